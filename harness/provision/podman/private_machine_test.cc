// The private machine of the tests of this room, and its end.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>

#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/os/program_path.h"
#include "harness/os/wait.h"
#include "harness/provision/podman/private_machine_testing.h"

namespace harness {
namespace {

constexpr char kGroupPrefix[] = "muster-test-podman-";
constexpr std::chrono::seconds kEndTime{20};

// The root of control groups as it was before.
Fd& oldGroups() {
  static Fd groups;
  return groups;
}

std::string groupPath(const std::string& name) {
  return "/proc/self/fd/" + std::to_string(oldGroups().get()) + "/" + name;
}

std::string ownGroup() {
  return kGroupPrefix + std::to_string(::getpid());
}

std::string unifiedGroups() {
  std::istringstream mounts(readFile("/proc/self/mounts"));
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string device, point, type;
    fields >> device >> point >> type;
    if (type == "cgroup2" && ::access(point.c_str(), W_OK) == 0) return point;
  }
  return "";
}

// Ends the processes of a group and removes it, its children first.
void removeGroup(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return;
  if (::access((path + "/cgroup.kill").c_str(), W_OK) == 0)
    writeControl(path + "/cgroup.kill", "1");
  for (const std::string& name : namesIn(path)) {
    std::string child = path + "/" + name;
    if (::lstat(child.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) removeGroup(child);
  }
  waitUntil(after(kEndTime), [&] { return ::rmdir(path.c_str()) == 0 || errno == ENOENT; });
}

void removeGroupsOfTheDead() {
  for (const std::string& name : namesIn(groupPath(""))) {
    if (!name.starts_with(kGroupPrefix)) continue;
    std::string pid = name.substr(std::string(kGroupPrefix).size());
    if (::access(("/proc/" + pid).c_str(), F_OK) != 0) removeGroup(groupPath(name));
  }
}

void mountMemory(const char* path) {
  makeDirectories(path);
  check(::mount("tmpfs", path, "tmpfs", 0, "mode=755"), std::string("mount a tmpfs at ") + path);
}

void enter() {
  std::string groups = unifiedGroups();
  if (groups.empty()) throw SystemError("no writable cgroup2 file system is mounted");
  oldGroups() = Fd(::open(groups.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  removeGroupsOfTheDead();
  makeDirectories(groupPath(ownGroup()));
  writeControl(groupPath(ownGroup() + "/cgroup.procs"), "0");
  check(::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWCGROUP), "unshare");
  check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make all mounts private");
  check(::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr), "mount /sys");
  check(::mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, nullptr), "mount /sys/fs/cgroup");
  mountMemory("/run");
  mountMemory("/var/lib/containers");
  CommandResult up = runCommand({programInPath("ip"), "link", "set", "lo", "up"});
  if (!up.succeeded()) throw SystemError("ip link set lo up: " + toString(up));
}

std::string tryToEnter() {
  if (::geteuid() != 0) return "podman of its own needs root";
  if (programInPath("podman").empty()) return "there is no podman";
  try {
    enter();
  } catch (const SystemError& error) {
    return error.what();
  }
  CommandResult info = PrivateMachine::podman().attempt({"info"});
  return info.succeeded() ? "" : "podman info: " + podmanReason(info);
}

class EndOfPrivateMachine : public ::testing::Environment {
 public:
  void TearDown() override { PrivateMachine::leaveNothing(); }
};

[[maybe_unused]] ::testing::Environment* const kEnd =
    ::testing::AddGlobalTestEnvironment(new EndOfPrivateMachine);

}  // namespace

const std::string& PrivateMachine::missing() {
  static const std::string kMissing = tryToEnter();
  return kMissing;
}

void PrivateMachine::leaveNothing() {
  if (!oldGroups()) return;
  if (missing().empty()) podman().attempt({"rm", "--all", "--force", "--time", "0"});
  writeControl(groupPath("cgroup.procs"), "0");
  removeGroup(groupPath(ownGroup()));
}

Podman PrivateMachine::podman() {
  return Podman(programInPath("podman"));
}

std::string PrivateMachine::leftovers(const std::string& cluster) {
  std::string found;
  auto add = [&](const std::string& what, const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.find(cluster) != std::string::npos) found += what + " " + line + "\n";
    }
  };
  add("container", podman().run({"ps", "--all", "--external", "--format", "{{.Names}}"}));
  add("network", podman().run({"network", "ls", "--format", "{{.Name}}"}));
  add("mount", readFile("/proc/self/mounts"));
  for (const std::string& pid : namesIn("/proc")) {
    if (readIfPresent("/proc/" + pid + "/comm") != "conmon\n") continue;
    add("monitor", readIfPresent("/proc/" + pid + "/cmdline"));
  }
  return found;
}

}  // namespace harness
