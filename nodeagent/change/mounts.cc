// Mounts file systems: new ones in memory or in a file of the agent, and what the node can mount.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

#include <kj/debug.h>
#include <kj/io.h>

#include "nodeagent/change/checks.h"
#include "nodeagent/os/look_until.h"
#include "nodeagent/os/mount_table.h"
#include "nodeagent/os/read_file.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kPathBytesMax = 4095;
constexpr uint64_t kTmpfsBytesMin = 4096;
constexpr uint64_t kLoopBytesMin = 1 << 20;
constexpr uint64_t kDiskBytesMax = 1ULL << 50;
constexpr size_t kTypeBytesMax = 32;
constexpr int64_t kMountNs = 60'000'000'000;
constexpr int64_t kMkfsNs = 120'000'000'000;

kj::String directoryOf(kj::StringPtr field, capnp::Data::Reader from) {
  kj::String path = kj::heapString(from.asChars());
  bool isRight = path.size() > 1 && path.size() <= kPathBytesMax && path[0] == '/' &&
                 path.findFirst('\0') == nullptr;
  if (!isRight) {
    support::fail(Kind::INVALID, field, ": \"", path, "\" is no absolute path of a directory");
  }
  while (path.size() > 1 && path[path.size() - 1] == '/') {
    path = kj::heapString(path.begin(), path.size() - 1);
  }
  return path;
}

void requireSize(kj::StringPtr field, uint64_t bytes, uint64_t least) {
  if (bytes >= least && bytes <= kDiskBytesMax) return;
  support::fail(Kind::INVALID, field, ": ", bytes, " is not between ", least, " and ",
                kDiskBytesMax);
}

// Returns the mounts on `directory`, one on the other. A walk into it sees the last.
std::vector<MountLine> mountsOn(const Surroundings& node, kj::StringPtr directory) {
  auto mounts = readMounts(node.mounts);
  std::erase_if(mounts, [&](const MountLine& mount) { return mount.target != directory.cStr(); });
  return mounts;
}

// What both share: the directory, which is made if it is missing, and the end of the mount.
class MountKind : public ChangeKind {
 public:
  // The directory that was made.
  bool outlivesBoot() const override { return true; }

  void prepare(const Surroundings& node, const support::Id&, Values& values) const override {
    kj::StringPtr asked = values.get("asked");
    std::unique_ptr<char, void (*)(void*)> resolved(::realpath(asked.cStr(), nullptr), ::free);
    if (resolved != nullptr) {
      requireDirectory(resolved.get());
      // The kernel tells of mounts by their true paths.
      values.set("directory", resolved.get());
    } else {
      if (errno != ENOENT) support::failErrno(errno, "find ", asked);
      size_t slash = KJ_ASSERT_NONNULL(asked.findLast('/'));
      kj::String parent = slash == 0 ? kj::str("/") : kj::heapString(asked.begin(), slash);
      resolved.reset(::realpath(parent.cStr(), nullptr));
      if (resolved == nullptr) support::failErrno(errno, "find the parent of ", asked);
      kj::StringPtr above = resolved.get();
      values.set("directory", kj::str(above == "/" ? "" : above, asked.slice(slash)));
      values.set("made", "yes");
    }
    if (mountsOn(node, values.get("directory")).size() > 0) {
      support::fail(Kind::CONFLICT, values.get("directory"), " is a mount point already");
    }
  }

  void undo(const Surroundings& node, const support::Id& id, const Values& values) const override {
    kj::StringPtr directory = values.get("directory");
    auto mounts = mountsOn(node, directory);
    bool hasOurs = std::any_of(mounts.begin(), mounts.end(),
                               [&](const MountLine& mount) { return isOurs(mount, id, values); });
    if (hasOurs && !isOurs(mounts.back(), id, values)) {
      support::fail(Kind::CONFLICT, "something else is mounted on top of ", directory);
    }
    // What still has files open there keeps them, and nobody waits for it.
    if (hasOurs && ::umount2(directory.cStr(), MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
      support::failErrno(errno, "unmount ", directory);
    }
    if (values.get("image").size() > 0) ::unlink(values.get("image").cStr());
    // Somebody else's file may be in it by now; then the directory stays.
    if (values.get("made") == "yes" && mounts.size() == (hasOurs ? 1u : 0u)) {
      ::rmdir(directory.cStr());
    }
  }

 protected:
  virtual bool isOurs(const MountLine& mount, const support::Id& id,
                      const Values& values) const = 0;

  static kj::String sourceOf(const support::Id& id) {
    return kj::str("muster-", id.text().c_str());
  }

  static void makeDirectory(const Values& values) {
    if (values.get("made") != "yes") return;
    if (::mkdir(values.get("directory").cStr(), 0755) < 0 && errno != EEXIST) {
      support::failErrno(errno, "make directory ", values.get("directory"));
    }
  }

 private:
  static void requireDirectory(kj::StringPtr path) {
    struct stat status;
    if (::stat(path.cStr(), &status) < 0) support::failErrno(errno, "find ", path);
    if (!S_ISDIR(status.st_mode)) {
      support::fail(Kind::CONFLICT, path, " is there and is no directory");
    }
  }
};

class TmpfsKind final : public MountKind {
 public:
  kj::StringPtr name() const override { return "tmpfs"; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto tmpfs = from.getTmpfs();
    requireSize("tmpfs.bytes", tmpfs.getBytes(), kTmpfsBytesMin);
    if (tmpfs.getMode() > 07777) {
      support::fail(Kind::INVALID, "tmpfs.mode: ", tmpfs.getMode(), " is more than 07777");
    }
    Values values;
    values.add("asked", directoryOf("tmpfs.directory", tmpfs.getDirectory()));
    values.add("bytes", decimal(tmpfs.getBytes()));
    values.add("mode", decimal(tmpfs.getMode()));
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("mounts a tmpfs of ", values.get("bytes"), " bytes on ", values.get("asked"));
  }
  void make(const Surroundings&, const support::Id& id, Values& values) const override {
    makeDirectory(values);
    std::ostringstream options;
    options << "size=" << values.get("bytes").cStr() << ",mode=" << std::oct
            << numberOf(values.get("mode"));
    kj::StringPtr directory = values.get("directory");
    if (::mount(sourceOf(id).cStr(), directory.cStr(), "tmpfs", 0, options.str().c_str()) < 0) {
      support::failErrno(errno, "mount a tmpfs on ", directory);
    }
  }

 private:
  bool isOurs(const MountLine& mount, const support::Id& id, const Values&) const override {
    return mount.source == sourceOf(id).cStr();
  }
};

class LoopKind final : public MountKind {
 public:
  kj::StringPtr name() const override { return "loop"; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto loop = from.getLoop();
    requireSize("loop.bytes", loop.getBytes(), kLoopBytesMin);
    kj::StringPtr fileSystem = loop.getFileSystem();
    bool isName = fileSystem.size() > 0 && fileSystem.size() <= 16;
    for (char c : fileSystem) isName = isName && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    if (!isName) {
      support::fail(Kind::INVALID, "loop.fileSystem: \"", fileSystem,
                    "\" is no name of a file system, such as ext4 or xfs");
    }
    Values values;
    values.add("asked", directoryOf("loop.directory", loop.getDirectory()));
    values.add("bytes", decimal(loop.getBytes()));
    values.add("fileSystem", fileSystem);
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("mounts a new ", values.get("fileSystem"), " of ", values.get("bytes"),
                   " bytes on ", values.get("asked"));
  }
  void prepare(const Surroundings& node, const support::Id& id, Values& values) const override {
    MountKind::prepare(node, id, values);
    values.set("image", kj::str(node.images, "/", sourceOf(id), ".img"));
    kj::String mkfs = kj::str("mkfs.", values.get("fileSystem"));
    CommandResult found = node.run(words({"sh", "-c", kj::str("command -v ", mkfs)}), kToolNs);
    if (!found.succeeded()) {
      support::fail(Kind::UNSUPPORTED, "the node has no program ", mkfs,
                    "; install the package that has it, such as e2fsprogs or xfsprogs");
    }
    if (::access("/dev/loop-control", F_OK) < 0) {
      support::fail(Kind::UNSUPPORTED, "the node has no loop devices");
    }
  }
  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    kj::StringPtr image = values.get("image");
    kj::AutoCloseFd file(::open(image.cStr(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) support::failErrno(errno, "make ", image);
    if (::ftruncate(file, static_cast<off_t>(numberOf(values.get("bytes")))) < 0) {
      support::failErrno(errno, "make ", image);
    }
    file = nullptr;
    kj::StringPtr fileSystem = values.get("fileSystem");
    runTool(node, "e2fsprogs", words({kj::str("mkfs.", fileSystem), "-q", image}), kMkfsNs);
    makeDirectory(values);
    // mount(8) lets the kernel free the loop device when the mount is gone.
    runTool(node, "mount",
            words({"mount", "-t", fileSystem, "-o", "loop", image, values.get("directory")}),
            kMkfsNs);
  }

 private:
  bool isOurs(const MountLine& mount, const support::Id& id, const Values&) const override {
    constexpr size_t kPrefixBytes = sizeof("/dev/") - 1;
    if (!mount.source.starts_with("/dev/loop")) return false;
    std::string device = mount.source.substr(kPrefixBytes);
    kj::String file = readFile(kj::str("/sys/block/", device.c_str(), "/loop/backing_file"));
    // Where the kernel does not tell, it is ours: nothing else was mounted there before.
    return file.size() == 0 || strstr(file.cStr(), sourceOf(id).cStr()) != nullptr;
  }
};

bool isLine(kj::StringPtr text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return text.size() <= kPathBytesMax;
}

// A file system that is there already, of any type that the node can mount.
class OtherMountKind final : public MountKind {
 public:
  kj::StringPtr name() const override { return "mount"; }

  Values read(wire::ChangeSpec::Kind::Reader from) const override {
    auto mount = from.getMount();
    kj::StringPtr source = mount.getSource();
    if (source.size() == 0 || source.startsWith("-") || !isLine(source)) {
      support::fail(Kind::INVALID, "mount.source: \"", source,
                    "\" is not 1 to 4095 bytes of one line that does not begin with \"-\"");
    }
    kj::StringPtr type = mount.getType();
    bool isType = type.size() > 0 && type.size() <= kTypeBytesMax && type[0] != '-';
    for (char c : type) {
      isType = isType &&
               ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("._-", c) != nullptr);
    }
    if (!isType) {
      support::fail(Kind::INVALID, "mount.type: \"", type,
                    "\" is no type of a file system, such as nfs or fuse.sshfs");
    }
    if (!isLine(mount.getOptions())) {
      support::fail(Kind::INVALID, "mount.options: are not at most 4095 bytes of one line");
    }
    Values values;
    values.add("asked", directoryOf("mount.directory", mount.getDirectory()));
    values.add("source", source);
    values.add("type", type);
    values.add("options", mount.getOptions());
    return values;
  }
  kj::String text(const Values& values) const override {
    return kj::str("mounts ", values.get("source"), " on ", values.get("asked"));
  }
  void make(const Surroundings& node, const support::Id&, Values& values) const override {
    makeDirectory(values);
    kj::StringPtr directory = values.get("directory");
    kj::StringPtr options = values.get("options");
    runTool(node, "mount",
            words({"mount", "-t", values.get("type"), "-o",
                   options.size() == 0 ? "defaults"_kj : options, "--", values.get("source"),
                   directory}),
            kMountNs);
    // A program that mounts may end well before, or without having mounted anything.
    bool isThere = lookUntil(kMountNs, [&]() { return mountsOn(node, directory).size() > 0; });
    if (!isThere) {
      support::fail(Kind::SYSTEM, "mount has ended well, and nothing is mounted on ", directory);
    }
  }

 private:
  // Nothing was mounted there before it.
  bool isOurs(const MountLine&, const support::Id&, const Values&) const override { return true; }
};

}  // namespace

kj::Own<ChangeKind> newMountKind() {
  return kj::heap<OtherMountKind>();
}
kj::Own<ChangeKind> newTmpfsKind() {
  return kj::heap<TmpfsKind>();
}
kj::Own<ChangeKind> newLoopKind() {
  return kj::heap<LoopKind>();
}

}  // namespace nodeagent::change
