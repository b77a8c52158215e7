// Reads and sets a file's metadata: its status with names of its owners, and its extended
// attributes.
//
// Every call blocks, so it belongs on a worker thread. Failures are those of support::fail, with
// errno.
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include <map>

#include <kj/array.h>
#include <kj/common.h>
#include <kj/string.h>

namespace nodeagent::file {

// Translates this node's users and groups between names and numbers. It reads /etc/passwd and
// /etc/group once, when first asked; make it for one call, so that it is never stale. An id without
// a name gives the empty text.
class OwnerNames {
 public:
  kj::StringPtr user(uid_t uid);
  kj::StringPtr group(gid_t gid);

  // Return the number of a name; null if there is no such name.
  kj::Maybe<uid_t> userNumber(kj::StringPtr name);
  kj::Maybe<gid_t> groupNumber(kj::StringPtr name);

 private:
  struct Owners {
    std::map<uint32_t, kj::String> names;
    std::map<kj::String, uint32_t> numbers;
  };
  static Owners& loaded(kj::Maybe<Owners>& owners, const char* file);

  kj::Maybe<Owners> users_;
  kj::Maybe<Owners> groups_;
};

// The id by which chown(2) leaves an owner as it is.
constexpr uint32_t kUnchangedId = static_cast<uint32_t>(-1);

// Return the number of a user or group given by name or decimal number; kUnchangedId for an empty
// text. Fail with kind notFound for an unknown name, invalid for a number out of range.
uid_t userNumber(kj::StringPtr text);
gid_t groupNumber(kj::StringPtr text);

struct FileStat {
  struct stat status = {};
  kj::String user;
  kj::String group;
};

enum class SymlinkPolicy { kKeep, kFollow };

FileStat statOf(kj::StringPtr path, SymlinkPolicy links);
FileStat describe(const struct stat& status, OwnerNames& names);

// Names the type for messages: "a directory", "a symbolic link" …
kj::StringPtr typeText(mode_t mode);

// Returns a file's time in nanoseconds. One that 64 bits cannot hold (before 1677, after 2262)
// becomes the nearest that they can.
int64_t nanoseconds(const struct timespec& time);

// Sets the modification time of a name in an open directory, or of the open file itself if `name`
// is null. `path` is for messages. Fails with kind unsupported where the file system cannot hold
// the time.
void setModified(int file, const char* name, int64_t ns, kj::StringPtr path);

struct FileVersion {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t changedNs = 0;

  bool operator==(const FileVersion&) const = default;
};

FileVersion versionOf(const struct stat& status);

struct Attribute {
  kj::String name;
  kj::Array<kj::byte> value;
};

// Returns all extended attributes of `path`, whose last link is not followed; none where the file
// system has no attributes. Fails with errno E2BIG if they are more than 1 MiB together.
kj::Array<Attribute> attributesOf(kj::StringPtr path);

// Returns one attribute, also one that the list does not show; null if there is none of that name.
// The last link is not followed.
kj::Maybe<kj::Array<kj::byte>> attributeOf(kj::StringPtr path, kj::StringPtr name);

void setAttribute(kj::StringPtr path, const Attribute& attribute);

void setAttributes(int file, kj::ArrayPtr<const Attribute> attributes, kj::StringPtr path);

// Give an open file, or a name in an open directory, exactly `attributes` of those that a copy
// keeps; others of that kind go, such as an ACL that it inherited. `path` is for messages.
void setExactAttributes(int file, kj::ArrayPtr<const Attribute> attributes, kj::StringPtr path);
void setExactAttributesAt(int directory, kj::StringPtr name,
                          kj::ArrayPtr<const Attribute> attributes, kj::StringPtr path);

// Removes an attribute; an absent one is no failure.
void removeAttribute(kj::StringPtr path, kj::StringPtr name);

}  // namespace nodeagent::file
