#include "harness/provision/local/local_plan.h"

#include <algorithm>

#include "harness/cluster/description_json.h"
#include "harness/os/files.h"
#include "harness/provision/agent_files.h"
#include "harness/provision/local/hub/state.h"
#include "harness/provision/local/kind.h"
#include "harness/provision/local/local_keys.h"
#include "harness/provision/local/plan_values.h"
#include "harness/provision/local/systemd_node.h"
#include "harness/provision/local/sysv_node.h"

namespace harness {
namespace {

constexpr char kAgentInNode[] = "/usr/bin/nodeagent";
constexpr char kAgentSocket[] = "agent.sock";
constexpr char kBootStatus[] = "boot.status";
constexpr char kBootLog[] = "boot.log";

// The path at which a node sees its directory of the hub.
const std::string kRunInNode = "/run/muster/";

std::string withPrefix(const std::string& address) {
  return address + (address.find(':') == std::string::npos ? "/16" : "/64");
}

FileSpec toSpec(const AgentFile& file) {
  return {file.path, file.content, file.mode};
}

AgentRoute routeOf(Control control, const std::string& cluster, const NodeDescription& node) {
  AgentRoute route;
  if (control == Control::kUnix) {
    route.endpoint = support::Endpoint::parse("unix:" + agentSocketOf(cluster, node.name));
  } else {
    route.endpoint = support::Endpoint::parse(agentListensAt(node.addresses.front()));
    route.tls = ClusterIdentity::controllerPaths(runDirectoryOf(cluster) + "/tls");
  }
  return route;
}

std::string machineId() {
  std::string id = randomUuid();
  std::erase(id, '-');
  return id + "\n";
}

AgentSettings agentSettings(const NodeDescription& node) {
  AgentSettings settings{node.name, {"unix:" + kRunInNode + kAgentSocket}};
  for (const std::string& address : node.addresses) {
    settings.listen.push_back(agentListensAt(address));
  }
  settings.bootLog = kRunInNode + kBootLog;
  settings.bootStatus = kRunInNode + kBootStatus;
  return settings;
}

void composeMinimal(NodeSpec& spec) {
  spec.argv = {kAgentInNode, "--role=init", std::string("--config=") + kAgentConfigPath};
}

NodeSpec composeNode(const LocalNodeSettings& settings, const NodeDescription& described,
                     const ClusterIdentity& identity, const std::string& agentProgram) {
  NodeSpec spec;
  spec.name = described.name;
  for (const std::string& address : described.addresses)
    spec.addresses.push_back(withPrefix(address));
  spec.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                      "HOME=/root", "LANG=C.UTF-8", "TERM=linux", "container=muster"};
  spec.capabilities = settings.capabilities;
  spec.ready = kAgentSocket;
  // An agent of the machine itself may have its files there, which are not for the node.
  spec.memory = {kAgentDirectory};
  spec.remove = {"/etc/default/nodeagent"};
  spec.files = {{"/etc/hostname", described.name + "\n"},
                {"/etc/machine-id", machineId(), 0444},
                toSpec(agentConfig(agentSettings(described)))};
  for (const AgentFile& file : identity.nodeFiles(described.name)) {
    spec.files.push_back(toSpec(file));
  }
  if (!settings.boot.empty()) {
    spec.files.push_back(toSpec(bootScript(settings.boot)));
  }
  // Scripts of sysvinit may still be at work when the agent listens.
  if (!settings.boot.empty() || settings.init == Init::kSysvinit) {
    spec.bootStatus = kBootStatus;
    spec.bootLog = kBootLog;
  }
  if (agentProgram != kAgentInNode) spec.binds.push_back({agentProgram, kAgentInNode, true});
  switch (settings.init) {
    case Init::kMinimal:
      composeMinimal(spec);
      break;
    case Init::kSystemd:
      composeSystemd(spec);
      break;
    case Init::kSysvinit:
      composeSysvinit(spec, findSysvinit());
      break;
  }
  return spec;
}

}  // namespace

std::string agentSocketOf(const std::string& cluster, const std::string& node) {
  return runDirectoryOf(cluster) + "/n/" + node + "/" + kAgentSocket;
}

LocalPlan composeLocal(const ClusterPlan& plan, const std::string& agentProgram) {
  checkSettings(localKind(), plan);
  LocalSettings settings = readLocalSettings(plan);
  LocalPlan local;
  local.description.name = plan.name;
  local.description.provisioner = localKind().name;
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const NodePlan& node = plan.nodes[i];
    NodeDescription described{node.name, node.role, node.labels, settings.nodes[i].addresses, {}};
    described.route = routeOf(settings.control, plan.name, described);
    local.description.nodes.push_back(std::move(described));
  }
  local.hub.cluster = plan.name;
  local.hub.description = toJson(local.description);
  local.hub.description["wishes"] = toJson(plan.wishes);
  PlanValues values = planValues(plan);
  local.hub.plan = {{"cluster", values.cluster}, {"nodes", values.nodes}};
  ClusterIdentity identity(plan.name);
  for (const AgentFile& file : identity.controllerFiles("tls")) {
    local.hub.hostFiles.push_back(toSpec(file));
  }
  local.hub.bridgeAddresses = {"10.77.0.1/16"};
  if (machineHasIpv6()) local.hub.bridgeAddresses.push_back("fd77::1/64");
  local.hub.files = {
      toSpec(hostsFile(local.description.nodes)),
      // Names are in /etc/hosts; a question about any other is refused at once by loopback.
      {"/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"}};
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    local.hub.nodes.push_back(
        composeNode(settings.nodes[i], local.description.nodes[i], identity, agentProgram));
  }
  return local;
}

void completeDescription(ClusterDescription& description, pid_t hub) {
  for (NodeDescription& node : description.nodes) {
    if (node.route.endpoint.transport == support::Transport::kUnix) continue;
    node.route.networkNamespace = "/proc/" + std::to_string(hub) + "/ns/net";
  }
}

}  // namespace harness
