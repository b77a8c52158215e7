#include "harness/provision/local/hub/rootfs.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <sstream>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"

namespace harness {
namespace {

void mountAt(const char* type, const std::string& target, unsigned long flags,
             const std::string& options = "") {
  check(
      ::mount(type, target.c_str(), type, flags, options.c_str()),
      std::string("mount ") + type + " at " + target + (options.empty() ? "" : " with " + options));
}

// A copy of a mount. It is taken while its source still has a name, and attached once the new root
// has a place for it.
struct Detached {
  Fd tree;
  bool directory = false;
  BindSpec bind;
};

Detached detach(const BindSpec& bind) {
  Detached copy;
  struct stat status {};
  check(::stat(bind.from.c_str(), &status), "stat " + bind.from);
  copy.directory = S_ISDIR(status.st_mode);
  copy.bind = bind;
  copy.tree = Fd(static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, bind.from.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!copy.tree) failSystem("take the mount of " + bind.from);
  return copy;
}

void attach(const Detached& copy) {
  const std::string& to = copy.bind.to;
  if (copy.directory) {
    makeDirectories(to);
  } else {
    makeDirectories(std::filesystem::path(to).parent_path());
    Fd point(::open(to.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
    if (!point) failSystem("create " + to);
  }
  check(
      ::syscall(SYS_move_mount, copy.tree.get(), "", AT_FDCWD, to.c_str(), MOVE_MOUNT_F_EMPTY_PATH),
      "bind " + copy.bind.from + " at " + to);
  if (copy.bind.readOnly) {
    check(::mount(nullptr, to.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr),
          "make " + to + " read-only");
  }
}

// Returns the other file systems on disks below the host's root, which an overlay of "/" does not
// contain. Those of /var/lib are left out, since they are other containers' roots.
std::vector<BindSpec> otherDisks() {
  static const std::set<std::string> kTypes = {"ext2",  "ext3",    "ext4", "xfs",
                                               "btrfs", "f2fs",    "zfs",  "nfs",
                                               "nfs4",  "overlay", "9p",   "virtiofs"};
  std::vector<BindSpec> disks;
  std::istringstream mounts(readFile("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, device, root, point, word, type;
    fields >> id >> parent >> device >> root >> point;
    while (fields >> word && word != "-") {
    }
    fields >> type;
    bool hidden = point == "/" || point.starts_with("/proc") || point.starts_with("/sys") ||
                  point.starts_with("/dev") || point.starts_with("/run") ||
                  point.starts_with("/etc/") || point.starts_with("/var/lib/") ||
                  point.find('\\') != std::string::npos;
    struct stat status {};
    if (hidden || kTypes.count(type) == 0 || ::stat(point.c_str(), &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) disks.push_back({point, point, true});
  }
  return disks;
}

void mountOverlay(const std::string& disk) {
  makeDirectories(disk + "/upper");
  makeDirectories(disk + "/work");
  makeDirectories(disk + "/root");
  mountAt("overlay", disk + "/root", 0,
          "lowerdir=/,upperdir=" + disk + "/upper,workdir=" + disk + "/work");
}

void pivot(const std::string& root) {
  check(::chdir(root.c_str()), "enter " + root);
  // The old root is stacked over the new one and taken off again, so that it needs no directory.
  check(::syscall(SYS_pivot_root, ".", "."), "pivot_root to " + root);
}

void mountKernel(bool groups) {
  mountAt("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  mountAt("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY);
  if (groups) mountAt("cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC);
  mountAt("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755");
  mountAt("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
  mountAt("tmpfs", "/dev", MS_NOSUID, "mode=755");
  makeDirectories("/run/lock", 01777);
}

// Makes those parts of /proc read-only that belong to the machine and not to the node. The
// network's part stays writable.
void guardKernel() {
  auto remount = [](const char* path, unsigned long flags) {
    check(::mount(nullptr, path, nullptr,
                  MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC | flags, nullptr),
          std::string("remount ") + path);
  };
  auto bind = [](const char* path) {
    check(::mount(path, path, nullptr, MS_BIND, nullptr), std::string("bind ") + path);
  };
  bind("/proc/sys");
  bind("/proc/sys/net");
  remount("/proc/sys", MS_RDONLY);
  // A kernel may have no such file.
  if (::access("/proc/sysrq-trigger", F_OK) != 0) return;
  bind("/proc/sysrq-trigger");
  remount("/proc/sysrq-trigger", MS_RDONLY);
}

// Gives each start its own boot id: nodes share the kernel, and with it the id that tells one boot
// from the next.
void fakeBootId() {
  std::string source = "/dev/.boot-id";
  putFile(source, randomUuid() + "\n", 0444);
  const char* target = "/proc/sys/kernel/random/boot_id";
  check(::mount(source.c_str(), target, nullptr, MS_BIND, nullptr), std::string("bind ") + target);
  check(::unlink(source.c_str()), "unlink " + source);
}

void makeDevices() {
  struct Device {
    const char* name;
    unsigned major, minor;
    bool optional;
  };
  static constexpr Device kDevices[] = {{"null", 1, 3, false},    {"zero", 1, 5, false},
                                        {"full", 1, 7, false},    {"random", 1, 8, false},
                                        {"urandom", 1, 9, false}, {"tty", 5, 0, false},
                                        {"fuse", 10, 229, true},  {"net/tun", 10, 200, true}};
  makeDirectories("/dev/net");
  for (const Device& device : kDevices) {
    std::string path = std::string("/dev/") + device.name;
    if (::mknod(path.c_str(), S_IFCHR | 0666, makedev(device.major, device.minor)) != 0) {
      if (!device.optional) failSystem("make device " + path);
      continue;
    }
    check(::chmod(path.c_str(), 0666), "chmod " + path);
  }
  makeDirectories("/dev/pts");
  mountAt("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5");
  makeDirectories("/dev/shm");
  mountAt("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
  static constexpr const char* kLinks[][2] = {{"pts/ptmx", "/dev/ptmx"},
                                              {"/proc/self/fd", "/dev/fd"},
                                              {"/proc/self/fd/0", "/dev/stdin"},
                                              {"/proc/self/fd/1", "/dev/stdout"},
                                              {"/proc/self/fd/2", "/dev/stderr"}};
  for (const auto& link : kLinks) {
    check(::symlink(link[0], link[1]), std::string("link ") + link[1]);
  }
}

// Says whether a node has not been started with this disk yet, the first time that it is asked.
bool isNewDisk(const std::string& disk) {
  Fd mark(::open((disk + "/started").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  return static_cast<bool>(mark);
}

// Removes the host's enabled units and scripts, which are not for the node. What is enabled on the
// node itself stays enabled.
void removeUnits() {
  const std::string units = "/etc/systemd/system/";
  for (const std::string& name : namesIn(units)) {
    if (name.ends_with(".wants") || name.ends_with(".requires")) removeTree(units + name);
  }
  for (char level : std::string("S2345")) {
    std::string directory = std::string("/etc/rc") + level + ".d/";
    for (const std::string& name : namesIn(directory)) {
      if (name.starts_with("S")) removeTree(directory + name);
    }
  }
}

void place(const FileSpec& file) {
  makeDirectories(std::filesystem::path(file.path).parent_path());
  if (file.linkTo.empty()) {
    putFile(file.path, file.content, file.mode);
    return;
  }
  removeTree(file.path);
  check(::symlink(file.linkTo.c_str(), file.path.c_str()), "link " + file.path);
}

}  // namespace

void enterRoot(const NodeSpec& node, const std::vector<FileSpec>& commonFiles,
               const RootPlaces& places) {
  check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make all mounts private");
  std::vector<Detached> binds;
  for (const BindSpec& disk : otherDisks()) binds.push_back(detach(disk));
  for (const BindSpec& bind : node.binds) binds.push_back(detach(bind));
  binds.push_back(detach({places.directory, "/run/muster", false}));
  mountOverlay(places.disk);
  bool isNew = isNewDisk(places.disk);
  pivot(places.disk + "/root");
  check(::umount2(".", MNT_DETACH), "leave the old root");
  check(::chdir("/"), "enter the new root");
  mountKernel(places.groups);
  makeDevices();
  guardKernel();
  fakeBootId();
  for (const Detached& bind : binds) attach(bind);
  if (node.privateUnits && isNew) removeUnits();
  for (const std::string& path : node.memory) {
    makeDirectories(path);
    mountAt("tmpfs", path, MS_NOSUID | MS_NODEV, "mode=755");
  }
  for (const std::string& path : node.remove) removeTree(path);
  for (const FileSpec& file : commonFiles) place(file);
  for (const FileSpec& file : node.files) place(file);
}

void dropCapabilities(const std::vector<std::string>& kept) {
  struct Capability {
    const char* name;
    unsigned long number;
  };
  static constexpr Capability kAll[] = {{"sys_time", CAP_SYS_TIME},
                                        {"mknod", CAP_MKNOD},
                                        {"sys_module", CAP_SYS_MODULE},
                                        {"sys_rawio", CAP_SYS_RAWIO},
                                        {"sys_boot", CAP_SYS_BOOT}};
  for (const Capability& each : kAll) {
    if (std::find(kept.begin(), kept.end(), each.name) != kept.end()) continue;
    check(::prctl(PR_CAPBSET_DROP, each.number, 0, 0, 0),
          std::string("drop the capability ") + each.name);
  }
}

}  // namespace harness
