#include "nodeagent/file/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include <kj/vector.h>

#include "nodeagent/file/path.h"
#include "schema/support/base/block_digest.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kDigestBlockBytes = 256 << 10;
constexpr std::chrono::minutes kDigestLimit{10};
constexpr int kRereadsMax = 3;

struct stat statusOf(int descriptor, kj::StringPtr path) {
  struct stat status;
  if (::fstat(descriptor, &status) < 0) support::failErrno(errno, "stat ", quoted(path));
  return status;
}

void requireRegular(const struct stat& status, kj::StringPtr path) {
  if (S_ISREG(status.st_mode)) return;
  support::fail(Kind::INVALID, "read ", quoted(path), ": is ", typeText(status.st_mode),
                ", not a regular file");
}

kj::AutoCloseFd openRegularWith(int directory, kj::StringPtr path, int statFlags, int openFlags) {
  // Opening alone can have effects (a tape rewinds) or block, so the type is looked at first, and
  // again afterwards in case the file was exchanged.
  struct stat status;
  if (::fstatat(directory, path.cStr(), &status, statFlags) < 0) {
    support::failErrno(errno, "read ", quoted(path));
  }
  requireRegular(status, path);
  int descriptor = openAt(directory, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | openFlags, 0);
  if (descriptor < 0) support::failErrno(-descriptor, "open ", quoted(path));
  kj::AutoCloseFd owned(descriptor);
  requireRegular(statusOf(owned, path), path);
  return owned;
}

}  // namespace

kj::AutoCloseFd openDirectory(kj::StringPtr path) {
  int descriptor = openAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK, 0);
  if (descriptor < 0) support::failErrno(-descriptor, "open directory ", quoted(path));
  return kj::AutoCloseFd(descriptor);
}

namespace {

// Returns the first `most` names greater than `after`, in byte order. It holds no more than these,
// however many names the directory has.
kj::Vector<kj::String> namesBehind(kj::AutoCloseFd directory, kj::StringPtr after, size_t most,
                                   kj::StringPtr path) {
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  std::unique_ptr<DIR, Close> stream(::fdopendir(directory.get()));
  if (stream == nullptr) support::failErrno(errno, "list ", quoted(path));
  [[maybe_unused]] int owned = kj::mv(directory).release();
  auto before = [](const kj::String& left, const kj::String& right) { return left < right; };
  std::vector<kj::String> names;  // A heap with the greatest name in front.
  while (true) {
    errno = 0;
    struct dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    kj::StringPtr name(entry->d_name);
    if (name == "." || name == ".." || !(after < name)) continue;
    if (names.size() == most) {
      if (!(name < names.front())) continue;
      std::pop_heap(names.begin(), names.end(), before);
      names.pop_back();
    }
    names.push_back(kj::str(name));
    std::push_heap(names.begin(), names.end(), before);
  }
  if (errno != 0) support::failErrno(errno, "list ", quoted(path));
  std::sort_heap(names.begin(), names.end(), before);
  kj::Vector<kj::String> sorted;
  for (auto& name : names) sorted.add(kj::mv(name));
  return sorted;
}

kj::AutoCloseFd openAgain(int directory, kj::StringPtr path) {
  kj::AutoCloseFd again(openAt(directory, ".", O_RDONLY | O_DIRECTORY, 0));
  if (again.get() < 0) support::failErrno(-again.get(), "list ", quoted(path));
  return again;
}

}  // namespace

kj::AutoCloseFd openRegular(kj::StringPtr path) {
  return openRegularWith(AT_FDCWD, path, 0, 0);
}

kj::AutoCloseFd openRegularAt(int directory, kj::StringPtr name) {
  return openRegularWith(directory, name, AT_SYMLINK_NOFOLLOW, O_NOFOLLOW);
}

size_t readFully(int descriptor, uint64_t offset, kj::ArrayPtr<kj::byte> buffer,
                 kj::StringPtr path) {
  size_t filled = 0;
  while (filled < buffer.size()) {
    ssize_t count = ::pread(descriptor, buffer.begin() + filled, buffer.size() - filled,
                            static_cast<off_t>(offset + filled));
    if (count == 0) break;
    if (count > 0) {
      filled += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      // Bytes read before the failure are an answer of their own; the next call meets the failure.
      if (filled > 0) break;
      support::failErrno(errno, "read ", quoted(path), " at ", offset);
    }
  }
  return filled;
}

ReadResult readChunk(kj::StringPtr path, uint64_t offset, uint32_t bytesMax) {
  if (offset > static_cast<uint64_t>(INT64_MAX) - kChunkBytesMax) {
    support::fail(Kind::INVALID, "read ", quoted(path), ": offset ", offset, " is out of range");
  }
  if (bytesMax == 0) support::fail(Kind::INVALID, "read ", quoted(path), ": bytesMax is 0");
  kj::AutoCloseFd descriptor = openRegular(path);
  struct stat before = statusOf(descriptor, path);
  for (int i = 0;; ++i) {
    size_t wanted = kj::min(bytesMax, kChunkBytesMax);
    // A file with a size needs a buffer for the rest of it and one byte, by which a grown file
    // shows itself.
    if (before.st_size > 0) {
      uint64_t size = static_cast<uint64_t>(before.st_size);
      wanted = kj::min(wanted, offset < size ? size - offset + 1 : 1);
    }
    auto buffer = kj::heapArray<kj::byte>(wanted);
    size_t count = readFully(descriptor, offset, buffer, path);
    struct stat after = statusOf(descriptor, path);
    // A chunk that was changed while it was read may be half old and half new, so it is read again.
    // A file that never rests is returned as it is; the version tells the reader of several chunks.
    if (versionOf(before) == versionOf(after) || i == kRereadsMax) {
      if (count < wanted) buffer = kj::heapArray(buffer.slice(0, count));
      uint32_t sum = support::crc32c(buffer);
      return {kj::mv(buffer), sum, static_cast<uint64_t>(after.st_size), versionOf(after)};
    }
    before = after;
  }
}

namespace {

// Returns the first extent of data at or behind `offset`; an empty one at the end of the file if
// there is none.
Extent extentBehind(int descriptor, uint64_t offset, kj::StringPtr path) {
  off_t begin = ::lseek(descriptor, static_cast<off_t>(offset), SEEK_DATA);
  if (begin >= 0) {
    off_t end = ::lseek(descriptor, begin, SEEK_HOLE);
    if (end < 0) support::failErrno(errno, "find holes of ", quoted(path));
    return {static_cast<uint64_t>(begin), static_cast<uint64_t>(end - begin)};
  }
  int error = errno;
  auto size = static_cast<uint64_t>(statusOf(descriptor, path).st_size);
  if (error == ENXIO || offset >= size) return {size, 0};
  // The file system knows nothing of holes.
  if (error == EINVAL || error == EOPNOTSUPP) return {offset, size - offset};
  support::failErrno(error, "find data of ", quoted(path));
}

// Reads a file from `offset` to its end, or for `bytesMax`, and gives each piece to `take`.
class PieceReader {
 public:
  explicit PieceReader(kj::StringPtr path) : path_(path), descriptor_(openRegular(path)) {
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }

  int descriptor() const { return descriptor_; }

  // Returns the offset behind the last byte.
  template <typename Take>
  uint64_t read(uint64_t offset, uint64_t bytesMax, Take take) {
    while (bytesMax > 0) {
      auto part = buffer_.slice(0, static_cast<size_t>(kj::min(buffer_.size(), bytesMax)));
      size_t count = readFully(descriptor_, offset, part, path_);
      if (count == 0) break;
      take(offset, part.slice(0, count));
      offset += count;
      bytesMax -= count;
      requireTime(offset);
    }
    return offset;
  }

  void requireTime(uint64_t offset) const {
    if (std::chrono::steady_clock::now() <= deadline_) return;
    support::fail(Kind::TIMEOUT, "digest ", quoted(path_), ": not at its end after ",
                  kDigestLimit.count(), " min and ", offset, " bytes");
  }

 private:
  kj::StringPtr path_;
  kj::AutoCloseFd descriptor_;
  kj::Array<kj::byte> buffer_ = kj::heapArray<kj::byte>(kDigestBlockBytes);
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::now() + kDigestLimit;
};

DigestResult blockDigest(kj::StringPtr path) {
  PieceReader reader(path);
  support::BlockDigest hash;
  uint64_t at = 0;
  while (true) {
    Extent extent = extentBehind(reader.descriptor(), at, path);
    if (extent.size == 0) return {hash.digest(extent.offset), extent.offset};
    at = reader.read(extent.offset, extent.size,
                     [&hash](uint64_t offset, auto bytes) { hash.add(offset, bytes); });
    // A file that was cut meanwhile ends here.
    if (at < extent.offset + extent.size) return {hash.digest(at), at};
    reader.requireTime(at);
  }
}

}  // namespace

DigestResult digest(kj::StringPtr path, DigestKind kind) {
  if (kind == DigestKind::kBlocks) return blockDigest(path);
  support::Sha256 hash;
  uint64_t size =
      PieceReader(path).read(0, UINT64_MAX, [&hash](uint64_t, auto bytes) { hash.update(bytes); });
  return {hash.digest(), size};
}

ExtentsResult extents(kj::StringPtr path, uint64_t offset, uint32_t extentsMax) {
  if (offset > static_cast<uint64_t>(INT64_MAX)) {
    support::fail(Kind::INVALID, "extents of ", quoted(path), ": offset ", offset,
                  " is out of range");
  }
  size_t most = extentsMax == 0 ? kEntriesMax : kj::min(extentsMax, kEntriesMax);
  kj::AutoCloseFd descriptor = openRegular(path);
  kj::Vector<Extent> found;
  bool more = true;
  while (more && found.size() < most) {
    Extent extent = extentBehind(descriptor, offset, path);
    more = extent.size > 0;
    if (more) found.add(extent);
    offset = extent.offset + extent.size;
  }
  struct stat status = statusOf(descriptor, path);
  auto size = static_cast<uint64_t>(status.st_size);
  return {found.releaseAsArray(), more && offset < size, size, versionOf(status)};
}

kj::Array<kj::String> sortedNames(kj::AutoCloseFd directory, kj::StringPtr path) {
  return namesBehind(kj::mv(directory), "", SIZE_MAX, path).releaseAsArray();
}

ListResult list(kj::StringPtr path, kj::StringPtr after, uint32_t entriesMax) {
  size_t most = entriesMax == 0 ? kEntriesMax : kj::min(entriesMax, kEntriesMax);
  kj::AutoCloseFd directory = openDirectory(path);
  OwnerNames owners;
  kj::Vector<Entry> entries;
  kj::String last = kj::str(after);
  while (true) {
    size_t wanted = most - entries.size() + 1;  // One further name tells whether there are more.
    auto names = namesBehind(openAgain(directory, path), last, wanted, path);
    for (auto& name : names) {
      if (entries.size() == most) return {entries.releaseAsArray(), true};
      last = kj::str(name);
      struct stat status;
      if (::fstatat(directory, name.cStr(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT) continue;  // Removed meanwhile.
        support::failErrno(errno, "stat ", quoted(name), " in ", quoted(path));
      }
      entries.add(Entry{kj::mv(name), describe(status, owners)});
    }
    if (names.size() < wanted) return {entries.releaseAsArray(), false};
  }
}

kj::String readLinkAt(int directory, kj::StringPtr name) {
  char buffer[PATH_MAX];
  ssize_t size = ::readlinkat(directory, name.cStr(), buffer, sizeof buffer);
  if (size >= 0) return kj::heapString(buffer, static_cast<size_t>(size));
  if (errno == EINVAL) {
    support::fail(Kind::INVALID, "read link ", quoted(name), ": is not a symbolic link");
  }
  support::failErrno(errno, "read link ", quoted(name));
}

kj::String readLink(kj::StringPtr path) {
  return readLinkAt(AT_FDCWD, path);
}

Space space(kj::StringPtr path) {
  struct statvfs status;
  int result;
  do {
    result = ::statvfs(path.cStr(), &status);
  } while (result < 0 && errno == EINTR);
  if (result < 0) support::failErrno(errno, "space of ", quoted(path));
  uint64_t unit = status.f_frsize;
  return {status.f_blocks * unit, status.f_bavail * unit, status.f_files, status.f_favail};
}

}  // namespace nodeagent::file
