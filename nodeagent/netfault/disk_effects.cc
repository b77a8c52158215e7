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
#include <sys/sysmacros.h>
#include <unistd.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

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
// ST_RDONLY of statfs(2).
constexpr unsigned long kReadOnlyFlag = 1;
// STATX_MNT_ID_UNIQUE, which older headers lack.
constexpr unsigned kUniqueMountId = 0x4000;
// File systems keep some blocks to themselves.
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

// One line of /proc/self/mountinfo. Mounts at one place stand in their order, the topmost last.
struct MountLine {
  uint64_t id = 0;
  uint64_t parent = 0;
  std::string place;
};

std::vector<MountLine> readMounts() {
  std::vector<MountLine> mounts;
  std::istringstream text(readFile("/proc/self/mountinfo", 16 << 20).cStr());
  for (std::string line; std::getline(text, line);) {
    unsigned long long id = 0, parent = 0;
    int placeAt = 0;
    if (sscanf(line.c_str(), "%llu %llu %*s %*s %n", &id, &parent, &placeAt) != 2 || placeAt == 0) {
      continue;
    }
    auto rest = line.substr(static_cast<size_t>(placeAt));
    mounts.push_back({id, parent, unescaped(rest.substr(0, rest.find(' ')))});
  }
  return mounts;
}

// By which a mount is known again. The kernel gives a number to the next mount as soon as it is
// free, so that alone says little: what is mounted has to be the same, too.
struct MountIdentity {
  uint64_t id = 0;
  // A number that the kernel never gives again. 0: it is older than 6.8 and has none.
  uint64_t uniqueId = 0;
  dev_t device = 0;
  ino_t root = 0;
};

MountIdentity identityOf(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &status) < 0 ||
      (status.stx_mask & STATX_MNT_ID) == 0) {
    support::fail(Kind::UNSUPPORTED, "the kernel does not tell the number of a mount");
  }
  MountIdentity identity{status.stx_mnt_id, 0, makedev(status.stx_dev_major, status.stx_dev_minor),
                         status.stx_ino};
  if (::statx(fd, "", AT_EMPTY_PATH, kUniqueMountId, &status) == 0 &&
      (status.stx_mask & kUniqueMountId) != 0) {
    identity.uniqueId = status.stx_mnt_id;
  }
  return identity;
}

kj::String lineOf(const MountIdentity& identity) {
  return kj::str(identity.id, " ", identity.uniqueId, " ", identity.device, " ", identity.root);
}

// The mount of a fault, as its lines say: the directory, the mount's identity, and the numbers of
// the mounts that came with it.
struct OwnMount {
  explicit OwnMount(kj::ArrayPtr<const kj::String> lines) {
    if (lines.size() < 2) return;
    place = lines[0].cStr();
    std::istringstream(lines[1].cStr()) >> identity.id >> identity.uniqueId >> identity.device >>
        identity.root;
    if (lines.size() < 3) return;
    knowsBelow = true;
    std::istringstream numbers(lines[2].cStr());
    for (uint64_t number = 0; numbers >> number;) below.insert(number);
  }

  std::string place;
  MountIdentity identity;
  // False: its keeper was killed before it could tell.
  bool knowsBelow = false;
  std::set<uint64_t> below;
};

// Where the mount of a fault stands now.
struct Standing {
  bool isThere = false;
  bool isTopmost = false;
  // The mounts below it.
  std::vector<MountLine> below;
};

Standing standingOf(const OwnMount& own) {
  Standing standing;
  auto mounts = readMounts();
  for (const MountLine& mount : mounts) {
    if (mount.place != own.place) continue;
    standing.isTopmost = mount.id == own.identity.id;
    standing.isThere = standing.isThere || standing.isTopmost;
  }
  if (standing.isTopmost && own.identity.root != 0) {
    // The path leads to the topmost mount.
    kj::AutoCloseFd top(::open(own.place.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (top.get() < 0) support::failErrno(errno, "look at ", own.place.c_str());
    MountIdentity now = identityOf(top);
    bool isSame = own.identity.uniqueId != 0
                      ? now.uniqueId == own.identity.uniqueId
                      : now.device == own.identity.device && now.root == own.identity.root;
    if (!isSame) return {};
  }
  if (!standing.isThere) return standing;
  std::set<uint64_t> tree = {own.identity.id};
  // A mount may stand before the one that it is on.
  for (bool hasMore = true; hasMore;) {
    hasMore = false;
    for (const MountLine& mount : mounts) {
      if (tree.count(mount.parent) == 0 || !tree.insert(mount.id).second) continue;
      standing.below.push_back(mount);
      hasMore = true;
    }
  }
  return standing;
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
    kj::AutoCloseFd tree = readOnlyCopy(directory);
    auto identity = lineOf(identityOf(tree));
    remember(kj::arr(kj::str(directory), kj::str(identity)));
    if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, directory.cStr(),
                  MOVE_MOUNT_F_EMPTY_PATH) < 0) {
      support::failErrno(errno, "mount on ", directory);
    }
    Standing standing = standingOf(OwnMount(kj::arr(kj::str(directory), kj::str(identity))));
    std::string below;
    for (const MountLine& mount : standing.below) below += std::to_string(mount.id) + " ";
    remember(kj::arr(kj::str(directory), kj::mv(identity), kj::str(below.c_str())));
    requireReadOnly(directory);
  }

  Shown read(kj::ArrayPtr<const kj::String> lines) const override {
    return shownOf(OwnMount(lines), standingOf(OwnMount(lines)));
  }

  Shown remove(kj::ArrayPtr<const kj::String> lines) const override {
    OwnMount own(lines);
    Standing standing = standingOf(own);
    Shown shown = shownOf(own, standing);
    if (!standing.isThere) return shown;
    if (!standing.isTopmost) {
      support::fail(Kind::CONFLICT, "somebody has mounted something over ", own.place.c_str(),
                    " since");
    }
    for (const MountLine& mount : standing.below) {
      if (!own.knowsBelow || own.below.count(mount.id) > 0) continue;
      support::fail(Kind::CONFLICT, "somebody has mounted something on ", mount.place.c_str(),
                    " since, which would go with the read-only ", own.place.c_str());
    }
    if (::umount2(own.place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
      support::failErrno(errno, "unmount ", own.place.c_str());
    }
    if (standingOf(own).isThere) {
      support::fail(Kind::SYSTEM, own.place.c_str(),
                    " was unmounted, and the kernel still shows mount ", own.identity.id);
    }
    return shown;
  }

 private:
  // Returns a copy of the mount of a directory, with the mounts below it, that is nowhere yet.
  static kj::AutoCloseFd readOnlyCopy(kj::StringPtr directory) {
    kj::AutoCloseFd tree(
        static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, directory.cStr(),
                                   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)));
    if (tree.get() < 0) support::failErrno(errno, "clone the mount of ", directory);
    struct mount_attr attributes {};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    // A copy of a shared mount is its peer at first: what is unmounted below the one goes below the
    // other, too.
    attributes.propagation = MS_PRIVATE;
    if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                  sizeof attributes) < 0) {
      support::failErrno(errno, "make a mount of ", directory, " read-only");
    }
    return tree;
  }

  static Shown shownOf(const OwnMount& own, const Standing& standing) {
    Shown shown;
    shown.isThere = shown.isWorking = standing.isThere;
    if (!standing.isThere) return shown;
    shown.witness = kj::str("mount ", own.identity.id, " on ", own.place.c_str(), " is read-only");
    return shown;
  }

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
