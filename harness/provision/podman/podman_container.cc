#include "harness/provision/podman/podman_container.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/provision/systemd_units.h"

namespace harness {
namespace {

constexpr char kAgentInNode[] = "/usr/bin/nodeagent";
constexpr char kAgentDefaults[] = "/etc/default/nodeagent";
constexpr char kUnitsInNode[] = "/run/systemd/system";
constexpr char kUnits[] = "/units";
constexpr char kMachineId[] = "/machine-id";
constexpr char kHosts[] = "/hosts";

// What tests do to networks and processes needs more than the 11 of podman.
constexpr char kAddedCapabilities[] = "net_admin,net_raw,sys_ptrace";

// The enabled units and scripts of this machine, which are not for a node that has its root.
constexpr const char* kMachineUnits[] = {"/etc/systemd/system", "/etc/rcS.d", "/etc/rc2.d",
                                         "/etc/rc3.d",          "/etc/rc4.d", "/etc/rc5.d"};

bool isSystemd(const ContainerPlan& plan) {
  return plan.settings.init == ContainerInit::kSystemd;
}

AgentFile configOf(const ContainerPlan& plan, const AgentFile& given) {
  if (plan.settings.boot.empty()) return given;
  AgentSettings settings;
  settings.node = plan.node;
  settings.listen = {agentListensAt("0.0.0.0")};
  if (machineHasIpv6()) settings.listen.push_back(agentListensAt("::"));
  settings.bootLog = std::string(kAgentDirectory) + "/boot.log";
  settings.bootStatus = std::string(kAgentDirectory) + "/boot.status";
  return agentConfig(settings);
}

void put(const std::string& path, const std::string& content, mode_t mode) {
  makeDirectories(std::filesystem::path(path).parent_path());
  putFile(path, content, mode);
}

using Words = std::vector<std::string>;

void add(Words& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

void addMounts(const ContainerPlan& plan, Words& words) {
  std::string directory = nodeDirectory(plan.mark, plan.node);
  auto mount = [&](const std::string& from, const std::string& to) {
    add(words, {"--volume", from + ":" + to});
  };
  mount(plan.agentProgram, std::string(kAgentInNode) + ":ro");
  mount(directory + kAgentFiles, kAgentDirectory);
  mount(directory + kHosts, "/etc/hosts");
  mount(directory + kMachineId, "/etc/machine-id:ro");
  // Without this word, podman copies what the root has at these places, and "/" has much.
  const std::string memory = ":rw,exec,notmpcopyup,mode=";
  std::vector<std::string> places = {"/run" + memory + "755", "/tmp" + memory + "1777"};
  if (isSystemd(plan)) {
    add(words,
        {"--tmpfs", "/run/lock" + memory + "1777", "--tmpfs", "/var/log/journal" + memory + "755"});
    mount(directory + kUnits, kUnitsInNode);
  }
  for (const std::string& place : places) add(words, {"--tmpfs", place});
  // It would give this machine's own agent its options.
  if (plan.settings.rootfs == "/" && ::access(kAgentDefaults, F_OK) == 0) {
    mount("/dev/null", std::string(kAgentDefaults) + ":ro");
  }
  if (isSystemd(plan) && plan.settings.rootfs == "/") {
    for (const char* units : kMachineUnits) {
      if (::access(units, F_OK) == 0) add(words, {"--tmpfs", units + memory + "755"});
    }
    mount("/dev/null", "/etc/fstab:ro");
  }
  for (const std::string& volume : plan.settings.volumes) add(words, {"--volume", volume});
}

void addLimits(const ContainerPlan& plan, Words& words) {
  const PodmanNodeSettings& settings = plan.settings;
  // podman's own limit needs a controller that this machine may not have.
  add(words, {"--pids-limit", settings.pids > 0 ? std::to_string(settings.pids) : "-1"});
  if (settings.memoryBytes > 0) {
    add(words, {"--memory", std::to_string(settings.memoryBytes) + "b"});
  }
  if (!settings.cpus.empty()) add(words, {"--cpus", settings.cpus});
  words.insert(words.end(), plan.limits.begin(), plan.limits.end());
}

void addCommand(const ContainerPlan& plan, Words& words) {
  Words argv = {kAgentInNode, "--role=init", std::string("--config=") + kAgentConfigPath};
  if (isSystemd(plan)) argv = {"/lib/systemd/systemd", "--system", "--unit=multi-user.target"};
  // An image may have an entry point of its own, which has no meaning for a node.
  if (plan.settings.rootfs.empty()) {
    add(words, {"--entrypoint", "[\"" + argv[0] + "\"]", plan.settings.image});
    argv.erase(argv.begin());
  } else {
    // With ":O", what the node writes goes to an overlay.
    add(words, {"--rootfs", plan.settings.rootfs + ":O"});
  }
  words.insert(words.end(), argv.begin(), argv.end());
}

}  // namespace

std::string nodeDirectory(const ClusterMark& mark, const std::string& node) {
  return mark.directory + "/nodes/" + node;
}

void writeNodeFiles(const ContainerPlan& plan, const std::vector<AgentFile>& agentFiles,
                    const std::string& hosts) {
  std::string directory = nodeDirectory(plan.mark, plan.node);
  removeTree(directory);
  makeDirectories(directory, 0755);
  const size_t prefix = std::string(kAgentDirectory).size();
  for (const AgentFile& given : agentFiles) {
    AgentFile file = given.path == kAgentConfigPath ? configOf(plan, given) : given;
    put(directory + kAgentFiles + file.path.substr(prefix), file.content, file.mode);
  }
  if (!plan.settings.boot.empty()) {
    AgentFile script = bootScript(plan.settings.boot);
    put(directory + kAgentFiles + script.path.substr(prefix), script.content, script.mode);
  }
  std::string id = randomUuid();
  std::erase(id, '-');
  put(directory + kMachineId, id + "\n", 0444);
  put(directory + kHosts, hosts, 0644);
  makeDirectories(directory + kUnits);
  renewUnits(plan.settings, directory);
}

void renewUnits(const PodmanNodeSettings& settings, const std::string& directory) {
  if (settings.init != ContainerInit::kSystemd) return;
  std::string top = directory + kUnits;
  for (const std::string& name : namesIn(top)) removeTree(top + "/" + name);
  NodeUnits units{.directory = kUnitsInNode,
                  .bootDirectory = settings.boot.empty() ? "" : kAgentDirectory,
                  .environment = settings.environment};
  for (const UnitFile& file : systemdUnits(units)) {
    std::string path = top + file.path.substr(std::string(kUnitsInNode).size());
    if (file.linkTo.empty()) {
      put(path, file.content, 0644);
      continue;
    }
    makeDirectories(std::filesystem::path(path).parent_path());
    check(::symlink(file.linkTo.c_str(), path.c_str()), "link " + path);
  }
}

std::vector<std::string> createWords(const ContainerPlan& plan) {
  Words words = {"create",  "--name",  containerName(plan.mark.cluster, plan.node), "--hostname",
                 plan.node, "--label", std::string(kNodeLabel) + "=" + plan.node};
  for (std::string& option : labelOptions(plan.mark)) words.push_back(std::move(option));
  add(words, {"--network", plan.network + ":ip=" + plan.address + ",alias=" + plan.node,
              "--no-hosts", "--log-driver", "k8s-file", "--pull", "never", "--systemd",
              isSystemd(plan) ? "always" : "false", "--cap-add", kAddedCapabilities});
  for (const std::string& name : plan.settings.capabilities) add(words, {"--cap-add", name});
  if (plan.ownsGroups) add(words, {"--security-opt", "unmask=/sys/fs/cgroup"});
  if (plan.control == ContainerControl::kLoopback) {
    add(words, {"--publish", "127.0.0.1::" + std::to_string(kAgentPort)});
  }
  for (const std::string& port : plan.settings.ports) add(words, {"--publish", port});
  for (const auto& [name, value] : plan.settings.environment) {
    add(words, {"--env", name + "=" + value});
  }
  addMounts(plan, words);
  addLimits(plan, words);
  addCommand(plan, words);
  return words;
}

}  // namespace harness
