#include "harness/provision/libvirt/node_root.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/provision/error.h"
#include "harness/provision/systemd_units.h"

namespace harness {
namespace {

constexpr char kUpper[] = "/upper";
constexpr char kWork[] = "/work";
constexpr char kRoot[] = "/root";
constexpr char kBootId[] = "/boot-id";

constexpr char kAgentInNode[] = "/usr/bin/nodeagent";
constexpr char kUnits[] = "/etc/systemd/system";
constexpr char kSystemdInit[] = "/etc/nodeagent/init";

// The directory of the agent's files also takes the boot commands' log and status.
constexpr char kBootLog[] = "/etc/nodeagent/boot.log";
constexpr char kBootStatus[] = "/etc/nodeagent/boot.status";

// The enabled scripts of this machine, which are not for a node that has its root.
constexpr const char* kMachineScripts[] = {"/etc/rcS.d", "/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d",
                                           "/etc/rc5.d"};

// Process 1 until systemd is. Where libvirt limits by control groups of version 1, a container is
// in the daemon's own group of version 2, and systemd would take that, and the machine's groups of
// version 1, for its own.
constexpr char kInitScript[] = R"(#!/bin/sh
# Written by muster when the node was made.
umount -R -l /sys/fs/cgroup 2>/dev/null
groups=/run/muster-groups
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
mkdir -p "$groups" && mount -t cgroup2 cgroup2 "$groups" || exit 70
mkdir -p "$groups$own/@GROUP@" && echo $$ > "$groups$own/@GROUP@/cgroup.procs" || exit 70
umount "$groups"; rmdir "$groups"
hostname -F /etc/hostname
exec unshare --cgroup /bin/sh -c 'mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
  exec /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal'
)";

class Upper {
 public:
  explicit Upper(std::string directory) : directory_(std::move(directory)) {}

  std::string at(const std::string& path) const { return directory_ + path; }

  void put(const std::string& path, const std::string& content, mode_t mode = 0644) const {
    makeDirectories(std::filesystem::path(at(path)).parent_path());
    putFile(at(path), content, mode);
  }

  void link(const std::string& path, const std::string& target) const {
    makeDirectories(std::filesystem::path(at(path)).parent_path());
    check(::symlink(target.c_str(), at(path).c_str()), "link " + at(path));
  }

  // The directory hides that of the lower one.
  void hideDirectory(const std::string& path, mode_t mode = 0755) const {
    makeDirectories(at(path));
    check(::chmod(at(path).c_str(), mode), "chmod " + at(path));
    check(::setxattr(at(path).c_str(), "trusted.overlay.opaque", "y", 1, 0),
          "mark " + at(path) + " as opaque for an overlay");
  }

  // The node has no file of this name, whatever the lower directory has.
  void hideFile(const std::string& path) const {
    makeDirectories(std::filesystem::path(at(path)).parent_path());
    check(::mknod(at(path).c_str(), S_IFCHR, makedev(0, 0)), "make a whiteout at " + at(path));
  }

 private:
  std::string directory_;
};

AgentFile configOf(const NodeRootPlan& plan, const AgentFile& given) {
  if (plan.settings.boot.empty()) return given;
  AgentSettings settings;
  settings.node = plan.node;
  settings.listen = {agentListensAt("0.0.0.0")};
  if (machineHasIpv6()) settings.listen.push_back(agentListensAt("::"));
  settings.bootLog = kBootLog;
  settings.bootStatus = kBootStatus;
  return agentConfig(settings);
}

void writeSystemd(const NodeRootPlan& plan, const Upper& upper) {
  if (plan.settings.rootfs == "/") {
    upper.hideDirectory(kUnits);
    for (const char* scripts : kMachineScripts) upper.hideDirectory(scripts);
    upper.put("/etc/fstab", "# A node's root is mounted already.\n");
  }
  NodeUnits units{.directory = kUnits,
                  .bootDirectory = plan.settings.boot.empty() ? "" : kAgentDirectory,
                  .environment = {}};
  for (const UnitFile& file : systemdUnits(units)) {
    file.linkTo.empty() ? upper.put(file.path, file.content) : upper.link(file.path, file.linkTo);
  }
  std::string script = kInitScript;
  for (size_t at; (at = script.find("@GROUP@")) != std::string::npos;) {
    script.replace(at, std::strlen("@GROUP@"), plan.domain);
  }
  upper.put(kSystemdInit, script, 0755);
}

bool isMounted(const std::string& path) {
  std::istringstream lines(readFile("/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    if (word == path) return true;
  }
  return false;
}

// An upper directory needs whiteouts and attributes that an overlay has for itself.
void requireUpper(const std::string& directory, const std::string& node) {
  struct statfs status {};
  check(::statfs(directory.c_str(), &status), "statfs " + directory);
  if (status.f_type != OVERLAYFS_SUPER_MAGIC) return;
  throw ProvisionError("its root cannot be an overlay in " + directory +
                           ", which is on an overlay itself; let $MUSTER_STATE_DIR name a "
                           "directory elsewhere",
                       node);
}

void unmount(const std::string& path) {
  while (isMounted(path)) {
    check(::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW), "unmount " + path);
  }
}

}  // namespace

std::string nodeDirectory(const std::string& directory, const std::string& node) {
  return directory + "/nodes/" + node;
}

std::string rootOf(const std::string& directory) {
  return directory + kRoot;
}

std::string bootIdOf(const std::string& directory) {
  return directory + kBootId;
}

std::vector<std::string> firstProcess(DomainInit init) {
  if (init == DomainInit::kSystemd) return {kSystemdInit};
  return {kAgentInNode, "--role=init", std::string("--config=") + kAgentConfigPath};
}

void writeRoot(const NodeRootPlan& plan) {
  removeRoot(plan.directory);
  for (const char* part : {kUpper, kWork, kRoot}) makeDirectories(plan.directory + part);
  requireUpper(plan.directory, plan.node);
  Upper upper(plan.directory + kUpper);
  upper.hideDirectory(kAgentDirectory);
  for (const AgentFile& given : plan.agentFiles) {
    AgentFile file = given.path == kAgentConfigPath ? configOf(plan, given) : given;
    upper.put(file.path, file.content, file.mode);
  }
  if (!plan.settings.boot.empty()) {
    AgentFile script = bootScript(plan.settings.boot);
    upper.put(script.path, script.content, script.mode);
  }
  std::string id = randomUuid();
  std::erase(id, '-');
  upper.put("/etc/machine-id", id + "\n", 0444);
  upper.put("/etc/hostname", plan.node + "\n");
  upper.put("/etc/hosts", plan.hosts);
  // Names are in /etc/hosts; a question about any other is refused at once by loopback.
  upper.put("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  // It would give an agent of the machine its options.
  upper.hideFile("/etc/default/nodeagent");
  makeDirectories(upper.at("/usr/bin"));
  std::filesystem::copy_file(plan.agentProgram, upper.at(kAgentInNode));
  check(::chmod(upper.at(kAgentInNode).c_str(), 0755), "chmod " + upper.at(kAgentInNode));
  if (plan.settings.init == DomainInit::kSystemd) writeSystemd(plan, upper);
}

void mountRoot(const std::string& directory, const LibvirtNodeSettings& settings,
               const std::string& node) {
  unmount(directory + kRoot);
  putFile(bootIdOf(directory), randomUuid() + "\n", 0444);
  Upper upper(directory + kUpper);
  ::unlink(upper.at(kBootStatus).c_str());
  for (auto [path, mode] : {std::pair{"/run", 0755U}, std::pair{"/tmp", 01777U}}) {
    removeTree(upper.at(path));
    upper.hideDirectory(path, mode);
  }
  std::string options = "lowerdir=" + settings.rootfs + ",upperdir=" + directory + kUpper +
                        ",workdir=" + directory + kWork;
  std::string root = directory + kRoot;
  if (::mount("overlay", root.c_str(), "overlay", 0, options.c_str()) == 0) return;
  throw ProvisionError("mount its root, an overlay of " + settings.rootfs + ", at " + root + ": " +
                           std::strerror(errno),
                       node);
}

void removeRoot(const std::string& directory) {
  unmount(directory + kRoot);
  removeTree(directory);
}

void removeGroups(const std::string& domain) {
  Fd context(::fsopen("cgroup2", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return;
  Fd tree(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  // A machine without control groups of version 2 has none of these.
  if (!tree) return;
  std::vector<std::string> groups;
  std::error_code error;
  std::filesystem::recursive_directory_iterator each(
      "/proc/self/fd/" + std::to_string(tree.get()) + "/", error);
  for (; !error && each != std::filesystem::recursive_directory_iterator(); each.increment(error)) {
    std::string path = each->path();
    bool isOfDomain =
        path.ends_with("/" + domain) || path.find("/" + domain + "/") != std::string::npos;
    if (isOfDomain && each->is_directory(error)) groups.push_back(path);
  }
  // Those that hold others come first.
  std::reverse(groups.begin(), groups.end());
  for (const std::string& group : groups) ::rmdir(group.c_str());
}

std::string bootLogOf(const std::string& directory) {
  return directory + kRoot + kBootLog;
}

std::string bootStatusOf(const std::string& directory) {
  return directory + kRoot + kBootStatus;
}

}  // namespace harness
