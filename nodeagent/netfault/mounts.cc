#include "nodeagent/netfault/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <sstream>

#include <kj/io.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

// STATX_MNT_ID_UNIQUE, which older headers lack.
constexpr unsigned kUniqueMountId = 0x4000;

}  // namespace

kj::String realDirectory(kj::StringPtr path) {
  char real[PATH_MAX];
  if (::realpath(path.cStr(), real) == nullptr) support::failErrno(errno, "find ", path);
  struct stat status {};
  if (::stat(real, &status) < 0) support::failErrno(errno, "find ", path);
  if (!S_ISDIR(status.st_mode)) support::fail(Kind::INVALID, path, ": is no directory");
  return kj::str(real);
}

void requireWithoutState(kj::StringPtr directory, const LocalHost& host) {
  char real[PATH_MAX];
  std::string state = host.stateDirectory.cStr();
  if (::realpath(host.stateDirectory.cStr(), real) != nullptr) state = real;
  std::string above = directory == "/" ? "/" : kj::str(directory, "/").cStr();
  if (directory != "/" && (state + "/").rfind(above, 0) != 0) return;
  support::fail(Kind::DENIED, directory, " has the agent's state below it, in ", state.c_str(),
                ", and is left as it is");
}

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

MountIdentity numberOf(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &status) < 0 ||
      (status.stx_mask & STATX_MNT_ID) == 0) {
    support::fail(Kind::UNSUPPORTED, "the kernel does not tell the number of a mount");
  }
  return {status.stx_mnt_id};
}

kj::String lineOf(const MountIdentity& identity) {
  return kj::str(identity.id, " ", identity.uniqueId, " ", identity.device, " ", identity.root);
}

OwnMount::OwnMount(kj::ArrayPtr<const kj::String> lines) {
  if (lines.size() < 2) return;
  place = lines[0].cStr();
  std::istringstream(lines[1].cStr()) >> identity.id >> identity.uniqueId >> identity.device >>
      identity.root;
  if (lines.size() < 3) return;
  knowsBelow = true;
  std::istringstream numbers(lines[2].cStr());
  for (uint64_t number = 0; numbers >> number;) below.insert(number);
}

Standing standingOf(const OwnMount& own) {
  Standing standing;
  auto mounts = readMounts();
  for (const MountLine& mount : mounts) {
    if (mount.target != own.place) continue;
    standing.isTopmost = mount.id == own.identity.id;
    if (!standing.isTopmost) continue;
    standing.isThere = true;
    standing.type = mount.type;
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

void unmountTopmost(const OwnMount& own) {
  if (!standingOf(own).isTopmost) {
    support::fail(Kind::CONFLICT, "somebody has mounted something over ", own.place.c_str(),
                  " since");
  }
  if (::umount2(own.place.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
    support::failErrno(errno, "unmount ", own.place.c_str());
  }
  if (!standingOf(own).isThere) return;
  support::fail(Kind::SYSTEM, own.place.c_str(),
                " was unmounted, and the kernel still shows mount ", own.identity.id);
}

}  // namespace nodeagent::netfault
