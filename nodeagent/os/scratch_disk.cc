#include "nodeagent/os/scratch_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>

#include "schema/support/base/log.h"

namespace nodeagent {
namespace {

// The space that is left to others, or a twentieth of the file system if that is less.
constexpr uint64_t kFreeBytesMin = 1 << 30;

void emptyDirectory(kj::StringPtr path) {
  DIR* directory = opendir(path.cStr());
  if (directory == nullptr) KJ_FAIL_SYSCALL("opendir", errno, path);
  KJ_DEFER(closedir(directory));
  while (dirent* entry = readdir(directory)) {
    if (entry->d_type == DT_REG) unlinkat(dirfd(directory), entry->d_name, 0);
  }
}

class DirectoryFile final : public ScratchFile {
 public:
  explicit DirectoryFile(kj::String path) : path_(kj::mv(path)) {}

  bool make() override {
    fd_ = kj::AutoCloseFd(
        open(path_.cStr(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    isMade_ = fd_.get() >= 0;
    if (!isMade_) {
      support::logLimited("spool", support::Level::kWarn,
                          "cannot make a spool file, output is bounded by memory",
                          {{"path", path_}, {"errno", errno}});
    }
    return isMade_;
  }

  bool hasCapacity(uint64_t bytes) override {
    struct statvfs status {};
    if (fstatvfs(fd_, &status) < 0) return true;
    uint64_t total = uint64_t{status.f_blocks} * status.f_frsize;
    uint64_t available = uint64_t{status.f_bavail} * status.f_frsize;
    return available > bytes + kj::min(kFreeBytesMin, total / 20);
  }

  bool write(uint64_t position, kj::ArrayPtr<const kj::byte> bytes) override {
    while (bytes.size() > 0) {
      ssize_t count = pwrite(fd_, bytes.begin(), bytes.size(), static_cast<off_t>(position));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
      position += static_cast<uint64_t>(count);
    }
    return true;
  }

  void read(uint64_t position, kj::ArrayPtr<kj::byte> bytes) override {
    kj::AutoCloseFd again;
    if (fd_.get() < 0) {
      int fd;
      KJ_SYSCALL(fd = open(path_.cStr(), O_RDONLY | O_CLOEXEC), path_);
      again = kj::AutoCloseFd(fd);
    }
    int fd = fd_.get() < 0 ? again.get() : fd_.get();
    while (bytes.size() > 0) {
      ssize_t count;
      KJ_SYSCALL(count = pread(fd, bytes.begin(), bytes.size(), static_cast<off_t>(position)),
                 path_);
      KJ_REQUIRE(count > 0, "spool file is shorter than what was written to it", path_);
      bytes = bytes.slice(static_cast<size_t>(count), bytes.size());
      position += static_cast<uint64_t>(count);
    }
  }

  void close() override { fd_ = nullptr; }

  void remove() override {
    if (isMade_) unlink(path_.cStr());
    fd_ = nullptr;
  }

 private:
  kj::String path_;
  bool isMade_ = false;
  kj::AutoCloseFd fd_;
};

class DirectoryDisk final : public ScratchDisk {
 public:
  explicit DirectoryDisk(kj::StringPtr directory) : directory_(kj::str(directory)) {
    if (mkdir(directory_.cStr(), 0700) < 0 && errno != EEXIST)
      KJ_FAIL_SYSCALL("mkdir", errno, directory_);
    emptyDirectory(directory_);
  }

  kj::Own<ScratchFile> newFile() override {
    return kj::heap<DirectoryFile>(kj::str(directory_, "/", nextNumber_++));
  }

 private:
  kj::String directory_;
  uint64_t nextNumber_ = 1;
};

}  // namespace

kj::Own<ScratchDisk> ScratchDisk::inDirectory(kj::StringPtr directory) {
  return kj::heap<DirectoryDisk>(directory);
}

}  // namespace nodeagent
