#include "nodeagent/file/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include <fstream>
#include <string>

#include <kj/debug.h>
#include <kj/vector.h>

#include "nodeagent/file/path.h"
#include "schema/support/base/file_metadata.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kAttributesBytesMax = 1 << 20;
constexpr size_t kAttributeValueBytesMax = 64 << 10;  // XATTR_SIZE_MAX
constexpr int kRetriesMax = 8;                        // A list may grow between two calls.

uint32_t ownerNumber(kj::Maybe<uint32_t> found, kj::StringPtr what, kj::StringPtr text) {
  // A name of digits goes before the number, as chown(1) does it.
  KJ_IF_MAYBE (number, found) return *number;
  bool digits = true;
  for (char character : text) digits = digits && character >= '0' && character <= '9';
  if (!digits)
    support::fail(Kind::NOT_FOUND, what, " ", quoted(text), ": no such name on this node");
  errno = 0;
  unsigned long long number = strtoull(text.cStr(), nullptr, 10);
  if (errno != 0 || number >= kUnchangedId) {
    support::fail(Kind::INVALID, what, " ", quoted(text), ": out of range");
  }
  return static_cast<uint32_t>(number);
}

kj::Maybe<kj::Array<kj::byte>> attributeValue(kj::StringPtr path, kj::StringPtr name) {
  kj::byte buffer[kAttributeValueBytesMax];
  ssize_t size = ::lgetxattr(path.cStr(), name.cStr(), buffer, sizeof buffer);
  if (size >= 0) return kj::heapArray<kj::byte>(buffer, static_cast<size_t>(size));
  // The attribute was removed meanwhile, or is listed but not for us to read, such as some of the
  // security module's.
  if (errno == ENODATA || errno == EPERM || errno == EACCES || errno == EOPNOTSUPP) return nullptr;
  support::failErrno(errno, "read attribute ", quoted(name));
}

// A file whose attributes are read and set: a path whose last link is not followed, or an open one.
struct AttributePath {
  kj::StringPtr path;

  ssize_t list(char* names, size_t size) const { return ::llistxattr(path.cStr(), names, size); }
  int set(const Attribute& given) const {
    return ::lsetxattr(path.cStr(), given.name.cStr(), given.value.begin(), given.value.size(), 0);
  }
  int remove(const char* name) const { return ::lremovexattr(path.cStr(), name); }
};
struct AttributeFile {
  int file;

  ssize_t list(char* names, size_t size) const { return ::flistxattr(file, names, size); }
  int set(const Attribute& given) const {
    return ::fsetxattr(file, given.name.cStr(), given.value.begin(), given.value.size(), 0);
  }
  int remove(const char* name) const { return ::fremovexattr(file, name); }
};

template <typename Of>
kj::Array<char> attributeNames(const Of& of, kj::StringPtr path) {
  for (int i = 0; i < kRetriesMax; ++i) {
    ssize_t size = of.list(nullptr, 0);
    if (size > 0) {
      auto names = kj::heapArray<char>(static_cast<size_t>(size));
      size = of.list(names.begin(), names.size());
      if (size >= 0) return kj::heapArray(names.slice(0, static_cast<size_t>(size)));
      if (errno == ERANGE) continue;
    }
    if (size == 0 || errno == EOPNOTSUPP) return nullptr;
    support::failErrno(errno, "list attributes of ", quoted(path));
  }
  support::fail(Kind::SYSTEM, "list attributes of ", quoted(path), ": the list keeps growing");
}

template <typename Set>
void setOne(const Set& to, const Attribute& attribute, kj::StringPtr path) {
  if (to.set(attribute) < 0) {
    support::failErrno(errno, "set attribute ", quoted(attribute.name), " of ", quoted(path));
  }
}

template <typename Of>
void setExact(const Of& of, kj::ArrayPtr<const Attribute> attributes, kj::StringPtr path) {
  kj::Array<char> names = attributeNames(of, path);
  for (size_t begin = 0; begin < names.size();) {
    kj::StringPtr name(names.begin() + begin);
    begin += name.size() + 1;
    bool stays = !support::isKeptAttribute({name.begin(), name.size()});
    for (auto& attribute : attributes) stays = stays || attribute.name == name;
    if (!stays && of.remove(name.cStr()) < 0 && errno != ENODATA)
      support::failErrno(errno, "remove attribute ", quoted(name), " of ", quoted(path));
  }
  for (auto& attribute : attributes) setOne(of, attribute, path);
}

}  // namespace

// Reads the file itself, because the static form of libc would load the node's own libraries for
// it.
OwnerNames::Owners& OwnerNames::loaded(kj::Maybe<Owners>& owners, const char* file) {
  KJ_IF_MAYBE (known, owners) return *known;
  Owners& all = owners.emplace();
  std::ifstream lines(file);
  std::string line;
  while (std::getline(lines, line)) {
    size_t afterName = line.find(':');
    if (afterName == std::string::npos || afterName == 0) continue;
    size_t afterPassword = line.find(':', afterName + 1);
    if (afterPassword == std::string::npos) continue;
    char* end = nullptr;
    unsigned long number = strtoul(line.c_str() + afterPassword + 1, &end, 10);
    if (end == line.c_str() + afterPassword + 1 || number >= kUnchangedId) continue;
    // The first of several entries counts, as it does for libc.
    all.names.try_emplace(static_cast<uint32_t>(number), kj::heapString(line.data(), afterName));
    all.numbers.try_emplace(kj::heapString(line.data(), afterName), static_cast<uint32_t>(number));
  }
  return all;
}

kj::StringPtr OwnerNames::user(uid_t uid) {
  auto& names = loaded(users_, "/etc/passwd").names;
  auto found = names.find(uid);
  return found == names.end() ? kj::StringPtr() : kj::StringPtr(found->second);
}

kj::StringPtr OwnerNames::group(gid_t gid) {
  auto& names = loaded(groups_, "/etc/group").names;
  auto found = names.find(gid);
  return found == names.end() ? kj::StringPtr() : kj::StringPtr(found->second);
}

kj::Maybe<uid_t> OwnerNames::userNumber(kj::StringPtr name) {
  auto& numbers = loaded(users_, "/etc/passwd").numbers;
  auto found = numbers.find(kj::str(name));
  if (found == numbers.end()) return nullptr;
  return found->second;
}

kj::Maybe<gid_t> OwnerNames::groupNumber(kj::StringPtr name) {
  auto& numbers = loaded(groups_, "/etc/group").numbers;
  auto found = numbers.find(kj::str(name));
  if (found == numbers.end()) return nullptr;
  return found->second;
}

uid_t userNumber(kj::StringPtr text) {
  return text.size() == 0 ? kUnchangedId : ownerNumber(OwnerNames().userNumber(text), "user", text);
}

gid_t groupNumber(kj::StringPtr text) {
  return text.size() == 0 ? kUnchangedId
                          : ownerNumber(OwnerNames().groupNumber(text), "group", text);
}

FileStat describe(const struct stat& status, OwnerNames& names) {
  return {status, kj::str(names.user(status.st_uid)), kj::str(names.group(status.st_gid))};
}

FileStat statOf(kj::StringPtr path, SymlinkPolicy links) {
  struct stat status;
  if (::fstatat(AT_FDCWD, path.cStr(), &status,
                links == SymlinkPolicy::kKeep ? AT_SYMLINK_NOFOLLOW : 0) < 0) {
    support::failErrno(errno, "stat ", quoted(path));
  }
  OwnerNames names;
  return describe(status, names);
}

kj::StringPtr typeText(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a fifo";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
      return "a character device";
    case S_IFBLK:
      return "a block device";
    default:
      return "of unknown type";
  }
}

int64_t nanoseconds(const struct timespec& time) {
  return support::nanosecondsOf(time).value_or(time.tv_sec < 0 ? INT64_MIN : INT64_MAX);
}

void setModified(int file, const char* name, int64_t ns, kj::StringPtr path) {
  int error = support::setModified(file, name, ns);
  if (error == 0) return;
  if (error == ERANGE) {
    support::fail(Kind::UNSUPPORTED, "set time of ", quoted(path),
                  ": its file system cannot hold the time @", support::timespecOf(ns).tv_sec);
  }
  support::failErrno(error, "set time of ", quoted(path));
}

FileVersion versionOf(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size),
          nanoseconds(status.st_ctim)};
}

kj::Array<Attribute> attributesOf(kj::StringPtr path) {
  kj::Vector<Attribute> attributes;
  kj::Array<char> names = attributeNames(AttributePath{path}, path);
  size_t total = 0;
  for (size_t begin = 0; begin < names.size();) {
    kj::StringPtr name(names.begin() + begin);
    begin += name.size() + 1;
    KJ_IF_MAYBE (value, attributeValue(path, name)) {
      total += name.size() + value->size();
      if (total > kAttributesBytesMax)
        support::failErrno(E2BIG, "read attributes of ", quoted(path));
      attributes.add(Attribute{kj::str(name), kj::mv(*value)});
    }
  }
  return attributes.releaseAsArray();
}

kj::Maybe<kj::Array<kj::byte>> attributeOf(kj::StringPtr path, kj::StringPtr name) {
  kj::byte buffer[kAttributeValueBytesMax];
  ssize_t size = ::lgetxattr(path.cStr(), name.cStr(), buffer, sizeof buffer);
  if (size >= 0) return kj::heapArray<kj::byte>(buffer, static_cast<size_t>(size));
  if (errno == ENODATA) return nullptr;
  // Unlike in a list, what may not be read here is what the caller has asked for.
  support::failErrno(errno, "read attribute ", quoted(name), " of ", quoted(path));
}

void setAttribute(kj::StringPtr path, const Attribute& attribute) {
  setOne(AttributePath{path}, attribute, path);
}

void setAttributes(int file, kj::ArrayPtr<const Attribute> attributes, kj::StringPtr path) {
  for (auto& attribute : attributes) setOne(AttributeFile{file}, attribute, path);
}

void setExactAttributes(int file, kj::ArrayPtr<const Attribute> attributes, kj::StringPtr path) {
  setExact(AttributeFile{file}, attributes, path);
}

void setExactAttributesAt(int directory, kj::StringPtr name,
                          kj::ArrayPtr<const Attribute> attributes, kj::StringPtr path) {
  kj::String reached = viaDescriptor(directory, name);
  setExact(AttributePath{reached}, attributes, path);
}

void removeAttribute(kj::StringPtr path, kj::StringPtr name) {
  if (::lremovexattr(path.cStr(), name.cStr()) < 0 && errno != ENODATA) {
    support::failErrno(errno, "remove attribute ", quoted(name), " of ", quoted(path));
  }
}

}  // namespace nodeagent::file
