#include "nodeagent/exec/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <kj/debug.h>

#include "schema/support/log.h"

namespace nodeagent {
namespace {

constexpr uint64_t kAccountStepBytes =
    16 << 20;  // The file system is asked for its room once in this many bytes.
constexpr uint64_t kFreeBytesMin =
    1 << 30;  // Left to others, or a twentieth of the file system if that is less.

void emptyDirectory(kj::StringPtr path) {
  DIR* directory = opendir(path.cStr());
  if (directory == nullptr) KJ_FAIL_SYSCALL("opendir", errno, path);
  KJ_DEFER(closedir(directory));
  while (dirent* entry = readdir(directory)) {
    if (entry->d_type == DT_REG) unlinkat(dirfd(directory), entry->d_name, 0);
  }
}

bool hasRoom(int fd, uint64_t bytes) {
  struct statvfs status {};
  if (fstatvfs(fd, &status) < 0) return true;
  uint64_t total = uint64_t{status.f_blocks} * status.f_frsize;
  uint64_t available = uint64_t{status.f_bavail} * status.f_frsize;
  return available > bytes + kj::min(kFreeBytesMin, total / 20);
}

}  // namespace

Spool::Spool(kj::StringPtr directory, const JobLimits& limits)
    : directory_(kj::str(directory)), limits_(limits) {
  if (directory_.size() == 0) return;
  if (mkdir(directory_.cStr(), 0700) < 0 && errno != EEXIST)
    KJ_FAIL_SYSCALL("mkdir", errno, directory_);
  emptyDirectory(directory_);
}

bool Spool::takeMemory(uint64_t bytes) {
  if (memoryBytes_ + bytes > limits_.memoryBytesMax) return false;
  memoryBytes_ += bytes;
  return true;
}

bool Spool::takeFile(uint64_t bytes) {
  while (fileBytes_ + bytes > limits_.spoolBytesMax) {
    if (!reclaim_()) return false;
  }
  fileBytes_ += bytes;
  return true;
}

kj::Maybe<kj::Own<SpoolFile>> Spool::make() {
  if (directory_.size() == 0) return nullptr;
  auto path = kj::str(directory_, "/", nextNumber_++);
  kj::AutoCloseFd fd(open(path.cStr(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd.get() < 0) {
    support::logLimited("spool", support::Level::kWarn,
                        "cannot make a spool file, output is bounded by memory",
                        {{"path", path}, {"errno", errno}});
    return nullptr;
  }
  return kj::heap<SpoolFile>(*this, kj::mv(path), kj::mv(fd));
}

SpoolFile::SpoolFile(Spool& spool, kj::String path, kj::AutoCloseFd fd)
    : spool_(spool), path_(kj::mv(path)), fd_(kj::mv(fd)) {
  ++spool_.fileCount_;
}

SpoolFile::~SpoolFile() noexcept(false) {
  unlink(path_.cStr());
  spool_.fileBytes_ -= accountedBytes_;
  --spool_.fileCount_;
}

bool SpoolFile::write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes) {
  while (position + bytes.size() > accountedBytes_) {
    if (!hasRoom(fd_, kAccountStepBytes) || !spool_.takeFile(kAccountStepBytes)) return false;
    accountedBytes_ += kAccountStepBytes;
  }
  while (bytes.size() > 0) {
    ssize_t count = pwrite(fd_, bytes.begin(), bytes.size(), static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
    position += static_cast<uint64_t>(count);
  }
  return true;
}

void SpoolFile::read(uint64_t position, kj::ArrayPtr<kj::byte> bytes) {
  kj::AutoCloseFd again;
  if (fd_.get() < 0) {
    int fd;
    KJ_SYSCALL(fd = open(path_.cStr(), O_RDONLY | O_CLOEXEC), path_);
    again = kj::AutoCloseFd(fd);
  }
  int fd = fd_.get() < 0 ? again.get() : fd_.get();
  while (bytes.size() > 0) {
    ssize_t count;
    KJ_SYSCALL(count = pread(fd, bytes.begin(), bytes.size(), static_cast<off_t>(position)), path_);
    KJ_REQUIRE(count > 0, "spool file is shorter than what was written to it", path_);
    bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
    position += static_cast<uint64_t>(count);
  }
}

}  // namespace nodeagent
