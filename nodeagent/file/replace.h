// Replacing a file in one step: the new bytes are written where nobody sees them, then take the
// target's name.
//
// Whatever fails before the last step (no space, read-only file system, a check sum) leaves the
// target as it was and nothing beside it; a reader sees the old file or the new one.
//
// Blocking; for a worker thread. Failures are those of support::fail, with errno.
#pragma once

#include <kj/io.h>
#include <kj/string.h>

#include "nodeagent/file/metadata.h"
#include "nodeagent/file/path.h"
#include "nodeagent/file/temporary.h"

namespace nodeagent::file {

enum class Replace { kExisting, kNever };
enum class Lifetime { kSession, kPermanent };

struct WriteOptions {
  uint32_t mode = 0644;
  bool keepMode = true;  // A replaced file's mode and ACL go on.
  kj::String user;       // Name or number; empty: as the replaced file, or the keeper's.
  kj::String group;
  Replace replace = Replace::kExisting;
  bool sync = false;
  bool parents = false;
  Lifetime lifetime = Lifetime::kPermanent;
  kj::Array<Attribute> attributes;                 // On the new file before it is seen.
  int64_t modifiedNs = 0;                          // 0: the time of the writing.
  bool sparse = false;                             // Blocks of zeros become holes.
  kj::Maybe<kj::Own<const TemporaryNotes>> notes;  // Absent: temporary names are not noted.
};

// Fails with kind invalid for mode bits that do not exist.
void requireMode(uint32_t mode);

struct Owner {
  uid_t user = kUnchangedId;  // Unchanged: as the replaced file, or the keeper's.
  gid_t group = kUnchangedId;
};

// Looks the names up, once, before anything is made. Failures as of userNumber.
Owner ownerOf(const WriteOptions& options);

// A file that is not yet in its place. Destroyed before `publish`, it is gone without a trace.
class StagedFile {
 public:
  // Without a name where the file system can do that, otherwise under a temporary one. Mode 0, or
  // 0600 with a name, until published. As `notes` of WriteOptions.
  explicit StagedFile(Place place, kj::Maybe<const TemporaryNotes&> notes = nullptr);

  // Under `name` beside the target, so that it can be found again. Fails with kind conflict if that
  // exists.
  StagedFile(Place place, kj::String name);

  StagedFile(StagedFile&&) noexcept;
  KJ_DISALLOW_COPY(StagedFile);
  ~StagedFile();

  const Place& place() const { return place_; }
  int descriptor() const { return file_; }

  // The place's directory, once this is of no more use.
  kj::AutoCloseFd takeDirectory() { return kj::mv(place_.directory); }

  // Takes the space for `size` bytes now, so that the lack of it shows before they travel. A file
  // system that cannot reserve is not an error.
  void reserve(uint64_t size);
  void write(kj::ArrayPtr<const kj::byte> bytes, uint64_t offset);

  // The file has `size` bytes, all of them zeros, and takes no space for them.
  void extend(uint64_t size);

  // As write, but leaves out what are whole blocks of zeros: they are zeros after `extend`.
  void writeSparse(kj::ArrayPtr<const kj::byte> bytes, uint64_t offset);

  // Gives it mode and owner, syncs if asked, and puts it in its place. Kind conflict: the target
  // exists and must not be replaced, or is neither a regular file nor a link. May be called again
  // if it failed. options.user and .group are not looked at: see `owner`.
  struct stat publish(const WriteOptions& options, const Owner& owner);

 private:
  void open(kj::String name);
  void dress(const WriteOptions& options, Owner owner, const kj::Maybe<struct stat>& existing);
  void copySecurity();
  void setExtras(const WriteOptions& options);
  void moveIn(Replace replace);
  int linkInto(kj::StringPtr name);  // errno, or 0.

  Place place_;
  kj::AutoCloseFd file_;
  kj::String name_;  // Empty: it has none.
  kj::Maybe<kj::Own<const TemporaryNotes>> notes_;
  TemporaryName temporary_;  // If `name_` is one.
};

// options.notes, for who borrows it.
kj::Maybe<const TemporaryNotes&> notesOf(const WriteOptions& options);

// What is at `place` now; null: nothing.
kj::Maybe<struct stat> statusAt(const Place& place);

// Fails with kind conflict if a file cannot go to `place`: it exists and `replace` forbids that, or
// is something that a file does not replace.
// Returns what is there.
kj::Maybe<struct stat> requireReplaceable(const Place& place, Replace replace);

// Where a new file will go, once everything that can be refused has not been.
struct Target {
  Owner owner;
  MadeDirectories parents;  // Gone again unless kept.
  Place place;
};

// Looks up and checks all of what writing `path` needs; makes its parents if asked to. Failures as
// of ownerOf, requireMode, makeParents and requireReplaceable; kind invalid for a directory's name.
Target prepareTarget(kj::StringPtr path, const WriteOptions& options);

// Renames within or between open directories; kind conflict if the target exists and `replace`
// forbids that.
void renameAt(int sourceDirectory, kj::StringPtr source, int targetDirectory, kj::StringPtr target,
              Replace replace);

// Makes a change of names in a directory durable.
void syncDirectory(int directory, kj::StringPtr path);

// The whole of it: `path` holds `bytes` afterwards.
FileStat writeFile(kj::StringPtr path, kj::ArrayPtr<const kj::byte> bytes,
                   const WriteOptions& options);

}  // namespace nodeagent::file
