// The effects on the disk below a directory: its file system is full, or it cannot be written.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include <kj/io.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/id.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

constexpr const char* kFillName = ".muster-full-";
constexpr const char* kProbeName = ".muster-probe-";
// File systems keep some blocks to themselves.
// ST_RDONLY of statfs(2).
constexpr unsigned long kReadOnlyFlag = 1;
constexpr uint64_t kSlackBytes = 1 << 20;
constexpr uint64_t kPieceBytesMin = 4096;
constexpr uint64_t kPieceBytesMax = uint64_t{1} << 40;
// Bounds the pieces of a file, of which each is half of one that did not fit, or the largest.
constexpr int kPiecesMax = 4096;

// Returns the directory without links. Fails with the kind of the errno, and invalid for another
// kind of file.
kj::String realDirectory(kj::StringPtr path) {
  char real[PATH_MAX];
  if (::realpath(path.cStr(), real) == nullptr) support::failErrno(errno, "find ", path);
  struct stat status {};
  if (::stat(real, &status) < 0) support::failErrno(errno, "find ", path);
  if (!S_ISDIR(status.st_mode)) support::fail(Kind::INVALID, path, ": is no directory");
  return kj::str(real);
}

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

// One line of /proc/self/mountinfo.
struct MountLine {
  uint64_t id = 0;
  std::string place;
};

// Spaces and other separators are written as "\040".
std::string unescaped(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>(strtol(text.substr(i + 1, 3).c_str(), nullptr, 8));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// What is mounted at a place, the topmost last.
struct Mounts {
  bool has = false;
  bool isTopmost = false;
};
Mounts mountsAt(const std::string& place, uint64_t id) {
  Mounts mounts;
  std::string text = readFile("/proc/self/mountinfo", 16 << 20).cStr();
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    at = end == std::string::npos ? text.size() : end + 1;
    unsigned long long number = 0;
    int placeAt = 0;
    if (sscanf(line.c_str(), "%llu %*u %*s %*s %n", &number, &placeAt) != 1 || placeAt == 0)
      continue;
    auto rest = line.substr(static_cast<size_t>(placeAt));
    if (unescaped(rest.substr(0, rest.find(' '))) != place) continue;
    mounts.isTopmost = number == id;
    mounts.has = mounts.has || number == id;
  }
  return mounts;
}

class ReadOnlyEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    kj::String directory = realDirectory(spec.directory);
    requireOthers(directory, host);
    if (statusOf(directory).f_flags & kReadOnlyFlag) {
      support::fail(Kind::CONFLICT, directory, " cannot be written already");
    }
    // The mount is read-only before it is anywhere, and known by its number before it is there.
    kj::AutoCloseFd tree(
        static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, directory.cStr(),
                                   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)));
    if (tree.get() < 0) support::failErrno(errno, "clone the mount of ", directory);
    struct mount_attr attributes {};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                  sizeof attributes) < 0) {
      support::failErrno(errno, "make a mount of ", directory, " read-only");
    }
    struct statx status {};
    if (::statx(tree, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0 ||
        (status.stx_mask & STATX_MNT_ID) == 0) {
      support::fail(Kind::UNSUPPORTED, "the kernel does not tell the number of a mount");
    }
    remember(kj::arr(kj::str(directory), kj::str(status.stx_mnt_id)));
    if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, directory.cStr(),
                  MOVE_MOUNT_F_EMPTY_PATH) < 0) {
      support::failErrno(errno, "mount on ", directory);
    }
    requireReadOnly(directory);
  }

  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown;
    if (lines.size() < 2) return shown;
    auto mounts = mountsAt(lines[0].cStr(), strtoull(lines[1].cStr(), nullptr, 10));
    shown.isThere = shown.isWorking = mounts.has;
    if (mounts.has) shown.witness = kj::str("mount ", lines[1], " on ", lines[0], " is read-only");
    return shown;
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    Shown shown = read(lines);
    if (!shown.isThere) return shown;
    uint64_t id = strtoull(lines[1].cStr(), nullptr, 10);
    if (!mountsAt(lines[0].cStr(), id).isTopmost) {
      support::fail(Kind::CONFLICT, "somebody has mounted something over ", lines[0], " since");
    }
    if (::umount2(lines[0].cStr(), MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
      support::failErrno(errno, "unmount ", lines[0]);
    }
    if (mountsAt(lines[0].cStr(), id).has) {
      support::fail(Kind::SYSTEM, lines[0], " was unmounted, and the kernel still shows mount ",
                    lines[1]);
    }
    return shown;
  }

 private:
  // The agent must go on writing what it needs to undo this.
  static void requireOthers(kj::StringPtr directory, const LocalHost& host) {
    char real[PATH_MAX];
    std::string state = host.stateDirectory.cStr();
    if (::realpath(host.stateDirectory.cStr(), real) != nullptr) state = real;
    std::string above = directory == "/" ? "/" : kj::str(directory, "/").cStr();
    if (directory != "/" && (state + "/").rfind(above, 0) != 0) return;
    support::fail(Kind::DENIED, directory, " has the agent's state below it, in ", state.c_str(),
                  ", and is left as it is");
  }

  static void requireReadOnly(kj::StringPtr directory) {
    auto probe = kj::str(directory, "/", kProbeName, support::Id::random().text().c_str());
    kj::AutoCloseFd file(::open(probe.cStr(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    int error = file.get() < 0 ? errno : 0;
    if (error == EROFS) return;
    if (error == 0) ::unlink(probe.cStr());
    support::fail(Kind::SYSTEM, directory, " was made read-only, and writing there gave ",
                  error == 0 ? kj::str("no error") : support::errnoText(error));
  }
};

}  // namespace

const LocalEffect& fullEffect() {
  static const FullEffect kEffect;
  return kEffect;
}

const LocalEffect& readOnlyEffect() {
  static const ReadOnlyEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
