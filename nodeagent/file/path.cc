#include "nodeagent/file/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/encoding.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kQuotedBytesMax = 300;

kj::String checkedCopy(kj::ArrayPtr<const kj::byte> bytes) {
  if (bytes.size() == 0) support::fail(Kind::INVALID, "path: empty");
  if (bytes.size() > kPathBytesMax) {
    support::fail(Kind::INVALID, "path: ", bytes.size(), " bytes, at most ", kPathBytesMax);
  }
  if (memchr(bytes.begin(), 0, bytes.size()) != nullptr)
    support::fail(Kind::INVALID, "path: holds a NUL byte");
  return kj::heapString(bytes.asChars().begin(), bytes.size());
}

// Returns the path without trailing slashes, except for "/" itself.
kj::String trimmed(kj::StringPtr path) {
  size_t length = path.size();
  while (length > 1 && path[length - 1] == '/') --length;
  return kj::heapString(path.begin(), length);
}

}  // namespace

kj::String absolutePath(kj::ArrayPtr<const kj::byte> bytes) {
  kj::String path = checkedCopy(bytes);
  if (path[0] != '/') support::fail(Kind::INVALID, "path ", quoted(path), ": not absolute");
  return path;
}

kj::String relativePath(kj::ArrayPtr<const kj::byte> bytes) {
  kj::String path = checkedCopy(bytes);
  size_t begin = 0;
  while (begin <= path.size()) {
    const char* slash = strchr(path.begin() + begin, '/');
    size_t end = slash == nullptr ? path.size() : slash - path.begin();
    kj::ArrayPtr<const char> component = path.slice(begin, end);
    if (component.size() == 0 || component == kj::StringPtr(".").asArray() ||
        component == kj::StringPtr("..").asArray()) {
      support::fail(Kind::INVALID, "path ", quoted(path), ": not a plain path below the root");
    }
    begin = end + 1;
  }
  return path;
}

kj::String quoted(kj::StringPtr path) {
  bool utf8 = !kj::encodeUtf32(path).hadErrors;
  kj::Vector<char> text;
  text.add('"');
  size_t end = kj::min(path.size(), kQuotedBytesMax);
  if (utf8) {
    // The cut falls between two characters.
    while (end < path.size() && end > 0 && (path[end] & 0xc0) == 0x80) --end;
  }
  for (char character : path.slice(0, end)) {
    auto byte = static_cast<unsigned char>(character);
    bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
    if (plain || (byte >= 0x80 && utf8)) {
      text.add(character);
    } else {
      constexpr const char kDigits[] = "0123456789abcdef";
      text.addAll(kj::arr('\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]));
    }
  }
  text.add('"');
  if (end < path.size()) text.addAll(kj::StringPtr("..."));
  text.add('\0');
  return kj::String(text.releaseAsArray());
}

kj::String join(kj::StringPtr directory, kj::StringPtr name) {
  if (directory.size() == 0) return kj::str(name);
  return directory.endsWith("/") ? kj::str(directory, name) : kj::str(directory, "/", name);
}

int openAt(int directory, kj::StringPtr path, int flags, uint64_t resolve) {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = resolve;
  long descriptor;
  do {
    descriptor = ::syscall(SYS_openat2, directory, path.cStr(), &how, sizeof how);
  } while (descriptor < 0 && (errno == EINTR || errno == EAGAIN));
  if (descriptor < 0 && errno == ENOSYS)
    descriptor = ::openat(directory, path.cStr(), flags | O_CLOEXEC);
  return descriptor < 0 ? -errno : static_cast<int>(descriptor);
}

Place placeOf(kj::StringPtr path) {
  kj::String plain = trimmed(path);
  size_t slash = KJ_ASSERT_NONNULL(plain.findLast('/'));
  kj::String name = kj::str(plain.slice(slash + 1));
  if (name.size() == 0 || name == "." || name == "..") {
    support::fail(Kind::INVALID, "path ", quoted(path), ": does not end in a name");
  }
  kj::String parent = slash == 0 ? kj::str("/") : kj::heapString(plain.begin(), slash);
  int directory = openAt(AT_FDCWD, parent, O_PATH | O_DIRECTORY, RESOLVE_NO_MAGICLINKS);
  if (directory < 0) support::failErrno(-directory, "open directory ", quoted(parent));
  return {kj::AutoCloseFd(directory), kj::mv(name), kj::mv(plain)};
}

MadeDirectories::~MadeDirectories() {
  // A directory that somebody has put something into meanwhile stays, and so do those around it.
  for (size_t i = paths_.size(); i > 0; --i) ::rmdir(paths_[i - 1].cStr());
}

namespace {

// Calls `visit` with each parent of `path`, the outermost first.
template <typename Visit>
void eachParent(kj::StringPtr path, Visit visit) {
  kj::String plain = trimmed(path);
  size_t end = 0;
  while (const char* slash = strchr(plain.begin() + end + 1, '/')) {
    end = slash - plain.begin();
    if (plain[end - 1] == '/') continue;  // A doubled slash names no further directory.
    visit(kj::heapString(plain.begin(), end));
  }
}

}  // namespace

MadeDirectories makeParents(kj::StringPtr path) {
  MadeDirectories made;
  eachParent(path, [&made](kj::String parent) {
    if (::mkdir(parent.cStr(), 0755) == 0) {
      made.add(kj::str(parent));
      // The keeper's umask may be stricter.
      if (::chmod(parent.cStr(), 0755) < 0)
        support::failErrno(errno, "set mode of ", quoted(parent));
      return;
    }
    // The kernel may answer EROFS or EACCES before it looks whether the directory exists.
    int error = errno;
    struct stat status;
    if (::stat(parent.cStr(), &status) == 0 && S_ISDIR(status.st_mode)) return;
    support::failErrno(error == EEXIST ? ENOTDIR : error, "make directory ", quoted(parent));
  });
  return made;
}

kj::Vector<kj::String> missingParents(kj::StringPtr path) {
  kj::Vector<kj::String> missing;
  eachParent(path, [&missing](kj::String parent) {
    struct stat status;
    if (::stat(parent.cStr(), &status) < 0 && errno == ENOENT) missing.add(kj::mv(parent));
  });
  return missing;
}

int openBelow(int directory, kj::StringPtr name) {
  return openAt(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK,
                RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
}

kj::String viaDescriptor(int directory, kj::StringPtr name) {
  return kj::str("/proc/self/fd/", directory, "/", name);
}

}  // namespace nodeagent::file
