#include "harness/provision/local/local_plan.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "harness/os/files.h"
#include "harness/provision/error.h"
#include "harness/provision/local/hub/state.h"
#include "harness/provision/local/systemd_node.h"
#include "schema/support/tls/pki.h"

namespace harness {
namespace {

constexpr char kAgentInNode[] = "/usr/bin/nodeagent";
constexpr char kAgentDirectory[] = "/etc/nodeagent";
constexpr char kAgentConfig[] = "/etc/nodeagent/nodeagent.yaml";
constexpr char kBootScript[] = "/etc/nodeagent/boot";
constexpr char kTlsInNode[] = "/etc/nodeagent/tls";
constexpr char kAgentSocket[] = "agent.sock";
constexpr char kBootStatus[] = "boot.status";
constexpr char kBootLog[] = "boot.log";
constexpr size_t kNodeNameMax = 63;     // Of a host name.
constexpr size_t kSocketPathMax = 107;  // Of a unix socket.

bool machineHasIpv6() {
  return ::access("/proc/net/if_inet6", F_OK) == 0;
}

// Node `index` is 10.77.A.B and fd77::A:B, with B from 11 to 210, so that the low numbers stay
// free.
std::vector<std::string> addressesOf(size_t index) {
  std::string third = std::to_string(index / 200);
  std::string fourth = std::to_string(11 + index % 200);
  std::vector<std::string> addresses = {"10.77." + third + "." + fourth};
  if (machineHasIpv6()) addresses.push_back("fd77::" + (index < 200 ? "" : third + ":") + fourth);
  return addresses;
}

void checkAddress(const std::string& address, const std::string& node) {
  std::array<unsigned char, 16> bytes;
  bool v4 = ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  bool inside = v4 ? bytes[0] == 10 && bytes[1] == 77
                   : ::inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1 &&
                         bytes[0] == 0xfd && bytes[1] == 0x77 &&
                         std::all_of(bytes.begin() + 2, bytes.begin() + 8,
                                     [](unsigned char byte) { return byte == 0; });
  if (!inside) {
    throw ProvisionError(
        "address \"" + address + "\" is not on the local network: 10.77.0.0/16 or fd77::/64", node);
  }
  if (address == "10.77.0.1" || address == "fd77::1") {
    throw ProvisionError("address \"" + address + "\" is that of the network's hub", node);
  }
}

std::string withPrefix(const std::string& address) {
  return address + (address.find(':') == std::string::npos ? "/16" : "/64");
}

std::string hostsFile(const std::vector<NodeDescription>& nodes) {
  std::string text = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  for (const NodeDescription& node : nodes) {
    for (const std::string& address : node.addresses) text += address + " " + node.name + "\n";
  }
  return text;
}

void describeNodes(const ClusterPlan& plan, ClusterDescription& description) {
  std::set<std::string> taken;
  ClusterPaths paths(plan.name);
  for (const NodePlan& node : plan.nodes) {
    if (!isPlainName(node.name, kNodeNameMax) || node.name.find('_') != std::string::npos) {
      throw ProvisionError("\"" + node.name +
                           "\" is not a host name: letters, digits, '-' and '.'");
    }
    NodeDescription described{node.name, node.role, node.labels, node.addresses, {}};
    if (described.addresses.empty()) described.addresses = addressesOf(description.nodes.size());
    for (const std::string& address : described.addresses) {
      checkAddress(address, node.name);
      if (!taken.insert(address).second) {
        throw ProvisionError("address \"" + address + "\" is also another node's", node.name);
      }
    }
    if (plan.control == Control::kUnix) {
      described.endpoint.address = paths.node(node.name) + "/" + kAgentSocket;
    } else {
      described.endpoint.kind = Endpoint::Kind::kTcp;
      described.endpoint.address = described.addresses.front();
      described.endpoint.port = kAgentPort;
      described.endpoint.tls = {paths.run + "/tls/ca.pem", paths.run + "/tls/admin.pem",
                                paths.run + "/tls/admin.key"};
    }
    if ((paths.node(node.name) + "/" + kAgentSocket).size() > kSocketPathMax) {
      throw ProvisionError(
          "its name and that of cluster \"" + plan.name + "\" are too long together", node.name);
    }
    description.nodes.push_back(std::move(described));
  }
}

std::string machineId() {
  std::string id = randomUuid();
  std::erase(id, '-');
  return id + "\n";
}

std::string agentConfig(const NodeDescription& node) {
  std::string text = "# Written by muster when the node was made.\nnode: " + node.name +
                     "\nlisten:\n  - unix:/run/muster/" + kAgentSocket + "\n";
  for (const std::string& address : node.addresses) {
    bool v6 = address.find(':') != std::string::npos;
    text += "  - \"tls:" + (v6 ? "[" + address + "]" : address) + ":" + std::to_string(kAgentPort) +
            "\"\n";
  }
  text += std::string("tls:\n  authority: ") + kTlsInNode +
          "/ca.pem\n  certificate: " + kTlsInNode + "/node.pem\n  key: " + kTlsInNode +
          "/node.key\n";
  text += std::string("boot:\n  script: ") + kBootScript + "\n  log: /run/muster/" + kBootLog +
          "\n  status: /run/muster/" + kBootStatus + "\n";
  return text;
}

std::string bootScript(const NodePlan& node) {
  std::string script = "#!/bin/sh\n# The cluster file's boot commands for this node.\nset -e\n";
  for (const std::string& command : node.boot) script += command + "\n";
  return script;
}

void composeMinimal(NodeSpec& spec) {
  spec.argv = {kAgentInNode, "--role=init", std::string("--config=") + kAgentConfig};
}

NodeSpec composeNode(const NodePlan& node, const NodeDescription& described,
                     const support::Authority& authority, const std::string& agentProgram) {
  NodeSpec spec;
  spec.name = node.name;
  for (const std::string& address : described.addresses)
    spec.addresses.push_back(withPrefix(address));
  spec.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                      "HOME=/root", "LANG=C.UTF-8", "TERM=linux", "container=muster"};
  spec.ready = kAgentSocket;
  // The machine's own agent, if there is one, is configured for the machine.
  spec.memory = {kAgentDirectory};
  spec.remove = {"/etc/default/nodeagent"};
  spec.files = {{"/etc/hostname", node.name + "\n"},
                {"/etc/machine-id", machineId(), 0444},
                {kAgentConfig, agentConfig(described), 0600}};
  support::KeyPair pair = authority.issueNode(node.name);
  std::string tls = kTlsInNode;
  spec.files.push_back({tls + "/ca.pem", authority.certificate(), 0644});
  spec.files.push_back({tls + "/node.pem", pair.certificate, 0644});
  spec.files.push_back({tls + "/node.key", pair.key, 0600});
  if (!node.boot.empty()) {
    spec.files.push_back({kBootScript, bootScript(node), 0755});
    spec.bootStatus = kBootStatus;
    spec.bootLog = kBootLog;
  }
  if (agentProgram != kAgentInNode) spec.binds.push_back({agentProgram, kAgentInNode, true});
  node.init == Init::kSystemd ? composeSystemd(spec) : composeMinimal(spec);
  return spec;
}

}  // namespace

LocalPlan composeLocal(const ClusterPlan& plan, const std::string& agentProgram) {
  LocalPlan local;
  if (!isPlainName(plan.name, 32)) {
    throw ProvisionError(
        "cluster name \"" + plan.name +
        "\": wanted at most 32 letters, digits, '-', '_' and '.', the first a letter or digit");
  }
  if (plan.nodes.empty()) throw ProvisionError("cluster \"" + plan.name + "\" has no nodes");
  local.description.name = plan.name;
  local.description.provisioner = "local";
  describeNodes(plan, local.description);
  local.hub.cluster = plan.name;
  support::Authority authority = support::Authority::make("muster cluster " + plan.name);
  support::KeyPair controller = authority.issueClient("admin:muster");
  local.hub.hostFiles = {{"tls/ca.pem", authority.certificate(), 0600},
                         {"tls/admin.pem", controller.certificate, 0600},
                         {"tls/admin.key", controller.key, 0600}};
  local.hub.bridgeAddresses = {"10.77.0.1/16"};
  if (machineHasIpv6()) local.hub.bridgeAddresses.push_back("fd77::1/64");
  local.hub.files = {
      {"/etc/hosts", hostsFile(local.description.nodes)},
      // Names are in /etc/hosts; a question about any other is refused at once by loopback.
      {"/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"}};
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    local.hub.nodes.push_back(
        composeNode(plan.nodes[i], local.description.nodes[i], authority, agentProgram));
  }
  return local;
}

void completeDescription(ClusterDescription& description, pid_t hub) {
  for (NodeDescription& node : description.nodes) {
    if (node.endpoint.kind == Endpoint::Kind::kTcp) {
      node.endpoint.networkNamespace = "/proc/" + std::to_string(hub) + "/ns/net";
    }
  }
}

}  // namespace harness
