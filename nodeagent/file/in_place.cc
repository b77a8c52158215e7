#include "nodeagent/file/in_place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/support/base/block_digest.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::file {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kPieceBytes = 256 << 10;

// A file that is open to be written in place. It is empty at first.
class InPlace {
 public:
  explicit InPlace(kj::StringPtr path) : path_(path) {
    struct stat status;
    if (::stat(path.cStr(), &status) < 0) fail(errno);
    if (!S_ISREG(status.st_mode)) {
      support::fail(Kind::CONFLICT, "write in place ", quoted(path), ": is ",
                    typeText(status.st_mode));
    }
    int file = openAt(AT_FDCWD, path, O_WRONLY | O_TRUNC | O_NONBLOCK | O_NOCTTY, 0);
    if (file < 0) fail(-file);
    file_ = kj::AutoCloseFd(file);
  }

  // Writes behind what was written or skipped before.
  void write(kj::ArrayPtr<const kj::byte> bytes) {
    while (bytes.size() > 0) {
      // Not every file of /proc takes a write with an offset.
      ssize_t count = ::write(file_, bytes.begin(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        int error = count == 0 ? EIO : errno;
        support::failErrno(error, "write in place ", quoted(path_), ", of which the first ", at_,
                           " bytes are new");
      }
      bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
      at_ += static_cast<uint64_t>(count);
    }
  }

  // Leaves a hole of `size` bytes.
  void skip(uint64_t size) {
    at_ += size;
    auto end = static_cast<off_t>(at_);
    if (::ftruncate(file_, end) < 0 || ::lseek(file_, end, SEEK_SET) < 0) fail(errno);
  }

  FileStat finish(const WriteOptions& options) {
    if (options.sync && ::fsync(file_) < 0) support::failErrno(errno, "sync ", quoted(path_));
    struct stat status;
    if (::fstat(file_, &status) < 0) support::failErrno(errno, "stat ", quoted(path_));
    OwnerNames names;
    return describe(status, names);
  }

 private:
  [[noreturn]] void fail(int error) const {
    support::failErrno(error, "write in place ", quoted(path_));
  }

  kj::StringPtr path_;
  kj::AutoCloseFd file_;
  uint64_t at_ = 0;
};

}  // namespace

void requireFitInPlace(const WriteOptions& options) {
  const char* wrong = !options.keepMode                        ? "a mode"
                      : options.user.size() > 0                ? "a user"
                      : options.group.size() > 0               ? "a group"
                      : options.attributes.size() > 0          ? "attributes"
                      : options.modifiedNs != nullptr          ? "a time"
                      : options.parents                        ? "parents"
                      : options.replace == Replace::kNever     ? "that nothing is replaced"
                      : options.lifetime == Lifetime::kSession ? "the session's lifetime"
                                                               : nullptr;
  if (wrong == nullptr) return;
  support::fail(Kind::INVALID, "write in place: the options ask for ", wrong,
                ", but the file keeps all but its content");
}

FileStat writeInPlace(kj::StringPtr path, kj::ArrayPtr<const kj::byte> bytes,
                      const WriteOptions& options) {
  InPlace file(path);
  file.write(bytes);
  return file.finish(options);
}

FileStat writeContent(kj::StringPtr path, kj::ArrayPtr<const kj::byte> bytes,
                      const WriteOptions& options) {
  return options.inPlace ? writeInPlace(path, bytes, options) : writeFile(path, bytes, options);
}

FileStat copyInPlace(kj::StringPtr path, int source, uint64_t size, const WriteOptions& options) {
  InPlace file(path);
  auto buffer = kj::heapArray<kj::byte>(kPieceBytes);
  for (uint64_t at = 0; at < size;) {
    size_t count = readFully(source, at, buffer, path);
    if (count == 0) support::failErrno(EIO, "write in place ", quoted(path), ": read at ", at);
    auto piece = buffer.slice(0, count);
    if (options.sparse && support::isZeros(piece)) {
      file.skip(count);
    } else {
      file.write(piece);
    }
    at += count;
  }
  return file.finish(options);
}

}  // namespace nodeagent::file
