#include "harness/provision/local/machine.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/provision/local/hub/cgroup.h"
#include "harness/provision/local/local_keys.h"
#include "harness/provision/local/sysv_node.h"

namespace harness {
namespace {

constexpr char kInotify[] = "/proc/sys/fs/inotify/max_user_instances";
constexpr int kInotifyPerSystemd = 8;
constexpr int kInotifyWanted = 8192;

// The kernel's limit is 1023.
constexpr size_t kBridgePortsMax = 1000;

// The hub's own descriptors, and those for each node while all are started side by side.
constexpr rlim_t kDescriptorsOfHub = 64;
constexpr rlim_t kDescriptorsPerNode = 4;

// The hub's files and those that it writes for nodes are smaller.
constexpr rlim_t kFileBytesLeast = 1 << 20;

uint64_t effectiveCapabilities() {
  std::istringstream lines(readIfPresent("/proc/self/status"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("CapEff:")) return std::strtoull(line.substr(7).c_str(), nullptr, 16);
  }
  return 0;
}

bool hasFileSystem(const std::string& type) {
  std::istringstream lines(readIfPresent("/proc/filesystems"));
  for (std::string line; std::getline(lines, line);) {
    if (line.substr(line.rfind('\t') + 1) == type) return true;
  }
  return false;
}

void examinePrivileges(Examination& report) {
  if (::geteuid() != 0) {
    report.missing.push_back("root: this is user " + std::to_string(::geteuid()) +
                             "; run it as root or through sudo");
    return;
  }
  struct Wanted {
    int number;
    const char* name;
  };
  uint64_t held = effectiveCapabilities();
  for (const Wanted& each :
       {Wanted{CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, Wanted{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
        Wanted{CAP_MKNOD, "CAP_MKNOD"}, Wanted{CAP_SETPCAP, "CAP_SETPCAP"}}) {
    if ((held >> each.number & 1) == 0) {
      report.missing.push_back(std::string(each.name) +
                               ": root without it; a container needs to be privileged");
    }
  }
}

void examineKernel(Examination& report) {
  for (const char* kind : {"net", "mnt", "pid", "uts", "ipc", "cgroup"}) {
    if (::access((std::string("/proc/self/ns/") + kind).c_str(), F_OK) != 0) {
      report.missing.push_back(std::string(kind) + " namespaces: the kernel has none");
    }
  }
  if (!hasFileSystem("overlay")) {
    report.missing.push_back("overlayfs: not in /proc/filesystems; try \"modprobe overlay\"");
  }
  if (cgroupRoot().empty()) {
    report.degraded.push_back(
        "no writable cgroup2 file system is mounted: nodes cannot be frozen, and jobs are tracked "
        "by "
        "process and not by group");
  }
  if (::access("/proc/net/if_inet6", F_OK) != 0) {
    report.degraded.push_back("the kernel has no IPv6: nodes have IPv4 addresses only");
  }
  if (::access("/dev/fuse", F_OK) != 0) {
    report.degraded.push_back("no /dev/fuse: nodes cannot mount FUSE file systems");
  }
}

rlim_t limitOf(int resource) {
  rlimit limit{};
  check(::getrlimit(static_cast<__rlimit_resource>(resource), &limit), "getrlimit");
  return limit.rlim_cur;
}

// Looks at the caller's limits, which the hub inherits.
void examineLimits(const ClusterPlan& plan, Examination& report) {
  rlim_t descriptors = limitOf(RLIMIT_NOFILE);
  rlim_t wanted = kDescriptorsOfHub + kDescriptorsPerNode * plan.nodes.size();
  if (descriptors < wanted) {
    report.missing.push_back(std::to_string(wanted) + " open files for " +
                             std::to_string(plan.nodes.size()) +
                             (plan.nodes.size() == 1 ? " node" : " nodes") + ": the limit is " +
                             std::to_string(descriptors) + "; raise it with \"ulimit -n " +
                             std::to_string(wanted) + "\"");
  }
  rlim_t fileBytes = limitOf(RLIMIT_FSIZE);
  if (fileBytes == RLIM_INFINITY) return;
  std::string text = "the size of files is limited to " + std::to_string(fileBytes) + " bytes";
  const char* remedy = "; lift it with \"ulimit -f unlimited\"";
  if (fileBytes < kFileBytesLeast) {
    report.missing.push_back("room in files: " + text + remedy);
  } else {
    report.degraded.push_back(text + ", on the nodes as well" + remedy);
  }
}

void examineSystemd(const ClusterPlan& plan, Examination& report) {
  std::vector<LocalNodeSettings> nodes = readLocalSettings(plan).nodes;
  auto count = std::count_if(nodes.begin(), nodes.end(), [](const LocalNodeSettings& node) {
    return node.init == Init::kSystemd;
  });
  if (count == 0) return;
  if (::access("/lib/systemd/systemd", X_OK) != 0) {
    report.missing.push_back(
        "/lib/systemd/systemd, for nodes with \"init: systemd\": install the package systemd");
  }
  if (cgroupRoot().empty()) {
    report.missing.push_back("a writable cgroup2 file system, for nodes with \"init: systemd\"");
  }
  int limit = std::atoi(readIfPresent(kInotify).c_str());
  if (limit < count * kInotifyPerSystemd && ::access(kInotify, W_OK) != 0) {
    report.missing.push_back(std::string(kInotify) + " is " + std::to_string(limit) + " and " +
                             std::to_string(count) + " nodes with systemd need " +
                             std::to_string(count * kInotifyPerSystemd));
  }
}

void examineSysvinit(const ClusterPlan& plan, Examination& report) {
  std::vector<LocalNodeSettings> nodes = readLocalSettings(plan).nodes;
  bool isWanted = std::any_of(nodes.begin(), nodes.end(), [](const LocalNodeSettings& node) {
    return node.init == Init::kSysvinit;
  });
  if (!isWanted || !findSysvinit().empty()) return;
  report.missing.push_back("sysvinit, for nodes with \"init: sysvinit\": " + sysvinitRemedy());
}

}  // namespace

Examination examineMachine(const ClusterPlan& plan, const std::string& hubProgram,
                           const std::string& agentProgram) {
  Examination report;
  examinePrivileges(report);
  examineKernel(report);
  examineLimits(plan, report);
  examineSystemd(plan, report);
  examineSysvinit(plan, report);
  if (plan.nodes.size() > kBridgePortsMax) {
    report.missing.push_back("room for " + std::to_string(plan.nodes.size()) +
                             " nodes: a local cluster has at most " +
                             std::to_string(kBridgePortsMax));
  }
  const char* where = " in $MUSTER_BIN_DIR, beside this program, or in PATH";
  if (hubProgram.empty()) report.missing.push_back(std::string("the program muster-hub") + where);
  if (agentProgram.empty()) report.missing.push_back(std::string("the program nodeagent") + where);
  return report;
}

void raiseInotifyLimit() {
  if (std::atoi(readIfPresent(kInotify).c_str()) >= kInotifyWanted) return;
  try {
    writeControl(kInotify, std::to_string(kInotifyWanted));
  } catch (const SystemError&) {
    // examineMachine has refused what cannot work with the present limit.
  }
}

}  // namespace harness
