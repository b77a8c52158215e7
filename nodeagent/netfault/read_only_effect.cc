// The effect on a directory below which nothing can be written.
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include <kj/io.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/netfault/mounts.h"
#include "schema/support/base/id.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;

constexpr const char* kProbeName = ".muster-probe-";
// ST_RDONLY of statfs(2).
constexpr unsigned long kReadOnlyFlag = 1;

struct statfs statusOf(kj::StringPtr path) {
  struct statfs status {};
  if (::statfs(path.cStr(), &status) < 0) support::failErrno(errno, "look at the disk of ", path);
  return status;
}

class ReadOnlyEffect final : public LocalEffect {
 public:
  void begin(const LocalSpec& spec, const LocalHost& host, RememberLines remember) const override {
    kj::String directory = realDirectory(spec.directory);
    requireWithoutState(directory, host);
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
    for (const MountLine& mount : standing.below) {
      if (!own.knowsBelow || own.below.count(mount.id) > 0) continue;
      support::fail(Kind::CONFLICT, "somebody has mounted something on ", mount.target.c_str(),
                    " since, which would go with the read-only ", own.place.c_str());
    }
    unmountTopmost(own);
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

const LocalEffect& readOnlyEffect() {
  static const ReadOnlyEffect kEffect;
  return kEffect;
}

}  // namespace nodeagent::netfault
