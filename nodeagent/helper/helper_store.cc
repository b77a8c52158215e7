#include "nodeagent/helper/helper_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include <kj/encoding.h>
#include <kj/io.h>
#include <kj/vector.h>

#include "schema/support/base/log.h"
#include "schema/support/base/sha256.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::helper {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kDigestBytes = 32;
constexpr size_t kReadBytes = 256 << 10;

bool isHelperName(kj::StringPtr name) {
  if (name.size() != 2 * kDigestBytes) return false;
  return std::all_of(name.begin(), name.end(), [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
  });
}

// Makes a directory and its missing parents, each 0755 whatever the umask is. Returns the errno.
int makeDirectories(kj::StringPtr path) {
  for (size_t end = 1; end <= path.size(); ++end) {
    if (end < path.size() && path[end] != '/') continue;
    auto part = kj::heapString(path.begin(), end);
    if (::mkdir(part.cStr(), 0755) == 0) {
      ::chmod(part.cStr(), 0755);
    } else if (errno != EEXIST) {
      return errno;
    }
  }
  return 0;
}

// Tells whether the file is regular and ours, and has this content.
bool hasDigest(kj::StringPtr path, kj::ArrayPtr<const kj::byte> sha256) {
  int descriptor = ::open(path.cStr(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  kj::AutoCloseFd file(descriptor);
  struct stat status;
  bool isOurs = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) &&
                status.st_uid == ::geteuid() && (status.st_mode & 0777) == 0755;
  if (!isOurs) return false;
  support::Sha256 digest;
  auto buffer = kj::heapArray<kj::byte>(kReadBytes);
  while (true) {
    ssize_t count = ::read(file, buffer.begin(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    if (count == 0) break;
    digest.update(buffer.slice(0, static_cast<size_t>(count)));
  }
  support::Digest found = digest.digest();
  return std::equal(found.begin(), found.end(), sha256.begin(), sha256.end());
}

struct Entry {
  kj::String name;
  uint64_t bytes = 0;
  timespec used{};
  bool isHelper = false;
};

kj::Vector<Entry> entriesOf(kj::StringPtr directory) {
  kj::Vector<Entry> entries;
  std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.cStr()), ::closedir);
  if (!open) support::failErrno(errno, "read the directory of helpers ", directory);
  while (const dirent* each = ::readdir(open.get())) {
    kj::StringPtr name = each->d_name;
    if (name == "." || name == "..") continue;
    struct stat status;
    if (::fstatat(::dirfd(open.get()), each->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    entries.add(Entry{kj::str(name), static_cast<uint64_t>(status.st_size), status.st_mtim,
                      isHelperName(name)});
  }
  return entries;
}

bool isOlder(const Entry& a, const Entry& b) {
  if (a.used.tv_sec != b.used.tv_sec) return a.used.tv_sec < b.used.tv_sec;
  return a.used.tv_nsec < b.used.tv_nsec;
}

}  // namespace

// The file system of a directory that is not there yet is that of the parent, so it is made first.
kj::String HelperStore::openDirectory() const {
  kj::Vector<kj::String> refusals;
  for (auto& directory : directories_) {
    int error = makeDirectories(directory);
    struct statvfs system;
    if (error == 0 && ::statvfs(directory.cStr(), &system) != 0) error = errno;
    if (error != 0) {
      refusals.add(kj::str(directory, ": ", support::errnoText(error)));
    } else if ((system.f_flag & ST_NOEXEC) != 0) {
      refusals.add(kj::str(directory, ": no program may run on its file system (noexec)"));
    } else {
      return kj::str(directory);
    }
  }
  support::fail(Kind::UNSUPPORTED, "no place for helpers: ", kj::strArray(refusals, "; "));
}

void HelperStore::makeSpace(kj::StringPtr directory, uint64_t size) const {
  auto entries = entriesOf(directory);
  std::sort(entries.begin(), entries.end(), isOlder);
  size_t files = 0;
  uint64_t bytes = 0;
  for (auto& entry : entries) {
    if (!entry.isHelper) continue;
    ++files;
    bytes += entry.bytes;
  }
  for (auto& entry : entries) {
    bool isStale =
        !entry.isHelper && ::time(nullptr) - entry.used.tv_sec > limits_.strangerSecondsMax;
    bool isTooMany = files + 1 > limits_.filesMax || bytes + size > limits_.bytesMax;
    if (!isStale && !(entry.isHelper && isTooMany)) continue;
    auto path = kj::str(directory, "/", entry.name);
    if (::unlink(path.cStr()) != 0 && errno != ENOENT) support::failErrno(errno, "remove ", path);
    if (!entry.isHelper) continue;
    --files;
    bytes -= entry.bytes;
  }
}

HelperStore::Located HelperStore::locate(kj::ArrayPtr<const kj::byte> sha256, uint64_t size) const {
  if (sha256.size() != kDigestBytes) {
    support::fail(Kind::INVALID, "sha256: has ", sha256.size(), " bytes instead of 32");
  }
  if (size == 0 || size > limits_.helperBytesMax) {
    support::fail(Kind::INVALID, "size: ", size, " is not between 1 and ", limits_.helperBytesMax,
                  " bytes");
  }
  auto directory = openDirectory();
  Located located{kj::str(directory, "/", kj::encodeHex(sha256)), false};
  if (hasDigest(located.path, sha256)) {
    // Says that it was used now.
    ::utimensat(AT_FDCWD, located.path.cStr(), nullptr, AT_SYMLINK_NOFOLLOW);
    located.isPresent = true;
    return located;
  }
  if (::unlink(located.path.cStr()) == 0) {
    support::log(support::Level::kWarn, "removed a helper whose content is not what its name says",
                 {{"path", located.path}});
  } else if (errno != ENOENT) {
    support::failErrno(errno, "remove ", located.path);
  }
  makeSpace(directory, size);
  return located;
}

}  // namespace nodeagent::helper
