// Replaces a file in one step: the new bytes are written where nobody sees them, then take the
// target's name.
//
// Any failure before the last step (no space, read-only file system, a check sum) leaves the target
// as it was and nothing beside it. A reader sees the old file or the new one.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail, with
// errno.
#pragma once

#include <kj/io.h>
#include <kj/string.h>

#include "nodeagent/file/metadata.h"
#include "nodeagent/file/path.h"
#include "nodeagent/file/temporary.h"
#include "nodeagent/file/view.h"

namespace nodeagent::file {

enum class Replace { kExisting, kNever };
enum class Lifetime { kSession, kPermanent };

struct WriteOptions {
  uint32_t mode = 0644;
  // Says whether a replaced file's mode and ACL go on.
  bool keepMode = true;
  // A name or number; empty: as the replaced file, or the keeper's.
  kj::String user;
  kj::String group;
  Replace replace = Replace::kExisting;
  bool sync = false;
  bool parents = false;
  Lifetime lifetime = Lifetime::kPermanent;
  // Set on the new file before it is seen.
  kj::Array<Attribute> attributes;
  // Says whether the file has no other attributes, such as an ACL that its directory hands down.
  bool exactAttributes = false;
  // Null means the time of the writing.
  kj::Maybe<int64_t> modifiedNs;
  // Says whether blocks of zeros become holes.
  bool sparse = false;
  // Says which digest an upload is compared by.
  DigestKind digestKind = DigestKind::kContent;
  // Says whether the content goes into the file that is there (in_place.h).
  bool inPlace = false;
  // Absent: temporary names are not noted.
  kj::Maybe<kj::Own<const TemporaryNotes>> notes;
};

// Fails with kind invalid for mode bits that do not exist.
void requireMode(uint32_t mode);

// The owner that a new file gets. Unchanged means that of the replaced file, or the keeper's.
struct Owner {
  uid_t user = kUnchangedId;
  gid_t group = kUnchangedId;
};

// Looks the names up, once, before anything is made. Fails as userNumber does.
Owner ownerOf(const WriteOptions& options);

// A file that is not in its place yet. If it is destroyed before `publish`, no trace of it remains.
class StagedFile {
 public:
  // Makes the file without a name where the file system can do that, otherwise under a temporary
  // one, which is noted in `notes`. Its mode is 0, or 0600 with a name, until it is published.
  explicit StagedFile(Place place, kj::Maybe<const TemporaryNotes&> notes = nullptr);

  // Makes the file under `name` beside the target, so that it can be found again. Fails with kind
  // conflict if that exists.
  StagedFile(Place place, kj::String name);

  StagedFile(StagedFile&&) noexcept;
  KJ_DISALLOW_COPY(StagedFile);
  ~StagedFile();

  const Place& place() const { return place_; }
  int descriptor() const { return file_; }

  // Takes the place's directory, once this object is of no more use.
  kj::AutoCloseFd takeDirectory() { return kj::mv(place_.directory); }

  // Reserves the space for `size` bytes now, so that the lack of it shows before they travel. A
  // file system that cannot reserve is not an error.
  void reserve(uint64_t size);
  void write(kj::ArrayPtr<const kj::byte> bytes, uint64_t offset);

  // Gives the file `size` bytes, all of them zeros, which take no space.
  void extend(uint64_t size);

  // Writes as write() does, but leaves out whole blocks of zeros, which are zeros after `extend`.
  void writeSparse(kj::ArrayPtr<const kj::byte> bytes, uint64_t offset);

  // Gives the file mode and owner, syncs if asked, and puts it in its place. Fails with kind
  // conflict if the target exists and must not be replaced, or is neither a regular file nor a
  // link. May be called again after a failure. It looks at `owner`, not at options.user and .group.
  struct stat publish(const WriteOptions& options, const Owner& owner);

 private:
  void open(kj::String name);
  void dress(const WriteOptions& options, Owner owner, const kj::Maybe<struct stat>& existing);
  void copySecurity();
  void setExtras(const WriteOptions& options);
  void moveIn(Replace replace);
  // Returns an errno, or 0.
  int linkInto(kj::StringPtr name);

  Place place_;
  kj::AutoCloseFd file_;
  // Empty if the file has no name.
  kj::String name_;
  kj::Maybe<kj::Own<const TemporaryNotes>> notes_;
  // Holds `name_` if that is a temporary one.
  TemporaryName temporary_;
};

// Returns options.notes as a borrowed reference.
kj::Maybe<const TemporaryNotes&> notesOf(const WriteOptions& options);

// Returns the status of the file at `place`; null if there is none.
kj::Maybe<struct stat> statusAt(const Place& place);

// Returns the status of the file at `place`, if there is one. Fails with kind conflict if a file
// cannot go there, because it exists and `replace` forbids that, or because it is something that a
// file does not replace.
kj::Maybe<struct stat> requireReplaceable(const Place& place, Replace replace);

// A target for which every check has passed.
struct Target {
  Owner owner;
  // Removed again unless kept.
  MadeDirectories parents;
  Place place;
};

// Looks up and checks everything that writing `path` needs, and makes its parents if asked to.
// Fails as ownerOf, requireMode, makeParents and requireReplaceable do, and with kind invalid for a
// directory's name.
Target prepareTarget(kj::StringPtr path, const WriteOptions& options);

// The names of a rename as the text of its failure has them: whole paths, where there are some.
struct RenameNames {
  kj::StringPtr source;
  kj::StringPtr target;
};

// Renames within or between open directories. Fails with kind conflict if the target exists and
// `replace` forbids that.
void renameAt(int sourceDirectory, kj::StringPtr source, int targetDirectory, kj::StringPtr target,
              Replace replace, const RenameNames& names);

// Makes a change of names in a directory durable.
void syncDirectory(int directory, kj::StringPtr path);

// Replaces or creates the file at `path` in one call; it holds `bytes` afterwards.
FileStat writeFile(kj::StringPtr path, kj::ArrayPtr<const kj::byte> bytes,
                   const WriteOptions& options);

}  // namespace nodeagent::file
