// The effect on the disk of a directory whose file system is full.
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <kj/io.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/mounts.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/id.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

constexpr const char* kFillName = ".muster-full-";
constexpr const char* kProbeName = ".muster-probe-";
// File systems keep some blocks to themselves.
constexpr uint64_t kSlackBytes = 1 << 20;
constexpr uint64_t kPieceBytesMin = 4096;
constexpr uint64_t kPieceBytesMax = uint64_t{1} << 40;
// Bounds the pieces of a file, of which each is half of one that did not fit, or the largest.
constexpr int kPiecesMax = 4096;

dev_t deviceOf(kj::StringPtr path) {
  struct stat status {};
  return ::stat(path.cStr(), &status) == 0 ? status.st_dev : 0;
}

struct statfs statusOf(kj::StringPtr path) {
  struct statfs status {};
  if (::statfs(path.cStr(), &status) < 0) support::failErrno(errno, "look at the disk of ", path);
  return status;
}

uint64_t freeBytes(kj::StringPtr path) {
  auto status = statusOf(path);
  return static_cast<uint64_t>(status.f_bfree) * static_cast<uint64_t>(status.f_bsize);
}

uint64_t availableMemory() {
  auto text = readFile("/proc/meminfo");
  const char* line = ::strstr(text.cStr(), "MemAvailable:");
  unsigned long long kibibytes = 0;
  if (line == nullptr || sscanf(line, "MemAvailable: %llu kB", &kibibytes) != 1) return 0;
  return kibibytes << 10;
}

class FullEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    kj::String directory = realDirectory(spec.directory);
    if (!spec.evenOurs) requireOthers(directory, host);
    uint64_t free = freeBytes(directory);
    if (free <= spec.leave) {
      support::fail(Kind::CONFLICT, "the disk of ", directory, " has only ", free,
                    " bytes free already");
    }
    requireMemory(directory, free - spec.leave);
    auto id = support::Id::random().text();
    auto fill = kj::str(directory, "/", kFillName, id.c_str());
    auto probe = kj::str(directory, "/", kProbeName, id.c_str());
    remember(kj::arr(kj::str(fill), kj::str(probe), kj::str(spec.leave)));
    makeFull(fill, spec.leave);
    requireFull(directory, probe, spec.leave);
  }

  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown;
    struct stat status {};
    if (lines.size() < 3 || ::lstat(lines[0].cStr(), &status) < 0) return shown;
    shown.isThere = shown.isWorking = S_ISREG(status.st_mode);
    shown.witness = kj::str(freeBytes(lines[0]), " bytes free, ",
                            static_cast<uint64_t>(status.st_blocks) * 512, " in ", lines[0]);
    return shown;
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown = read(lines);
    for (size_t i = 0; i < lines.size() && i < 2; ++i) {
      if (::unlink(lines[i].cStr()) < 0 && errno != ENOENT && errno != ENOTDIR) {
        support::failErrno(errno, "remove ", lines[i]);
      }
    }
    return shown;
  }

  bool outlivesBoot() const override { return true; }

 private:
  static void requireOthers(kj::StringPtr directory, const LocalHost& host) {
    dev_t device = deviceOf(directory);
    bool isRoot = device == deviceOf("/");
    if (!isRoot && device != deviceOf(host.stateDirectory)) return;
    support::fail(
        Kind::DENIED, directory, " is on ",
        isRoot ? "the root file system"_kj : "the disk on which the agent keeps its state"_kj,
        ", which is filled only if that is asked for");
  }

  // Files of such a file system are memory.
  static void requireMemory(kj::StringPtr directory, uint64_t bytes) {
    auto status = statusOf(directory);
    if (status.f_type == RAMFS_MAGIC || status.f_blocks == 0) {
      support::fail(Kind::UNSUPPORTED, "the disk of ", directory,
                    " has no size, so it is never full");
    }
    if (status.f_type != TMPFS_MAGIC || bytes <= availableMemory() / 2) return;
    support::fail(Kind::DENIED, "the disk of ", directory, " is memory, of which ", bytes,
                  " bytes are more than half of what the node has available");
  }

  static void makeFull(kj::StringPtr fill, uint64_t leave) {
    kj::AutoCloseFd file(::open(fill.cStr(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) support::failErrno(errno, "make ", fill);
    uint64_t offset = 0;
    uint64_t most = kPieceBytesMax;
    for (int i = 0; i < kPiecesMax; ++i) {
      uint64_t free = freeBytes(fill);
      if (free <= leave) return;
      uint64_t piece = kj::min(free - leave, most);
      if (::fallocate(file, 0, static_cast<off_t>(offset), static_cast<off_t>(piece)) == 0) {
        offset += piece;
      } else if (errno == ENOSPC || errno == EFBIG) {
        most = piece / 2;
        if (most < kPieceBytesMin) return;
      } else if (errno == EOPNOTSUPP) {
        support::fail(Kind::UNSUPPORTED, "the file system of ", fill, " has no fallocate");
      } else if (errno != EINTR) {
        support::failErrno(errno, "allocate ", fill);
      }
    }
  }

  // More than what is left cannot be had.
  static void requireFull(kj::StringPtr directory, kj::StringPtr probe, uint64_t leave) {
    uint64_t free = freeBytes(directory);
    kj::AutoCloseFd file(::open(probe.cStr(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0 && errno == ENOSPC) return;
    if (file.get() < 0) support::failErrno(errno, "make ", probe);
    ::unlink(probe.cStr());
    int result = ::fallocate(file, 0, 0, static_cast<off_t>(leave + kSlackBytes));
    if (result < 0 && errno == ENOSPC && free <= leave + kSlackBytes) return;
    support::fail(Kind::SYSTEM, "the disk of ", directory, " was filled, and still has ", free,
                  " bytes free, or takes a file of ", leave + kSlackBytes);
  }
};

}  // namespace

const LocalEffect& fullEffect() {
  static const FullEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
