#include "harness/provision/agent_files.h"

#include <unistd.h>

namespace harness {
namespace {

constexpr char kTlsDirectory[] = "/etc/nodeagent/tls";

}  // namespace

AgentFile agentConfig(const AgentSettings& settings) {
  std::string tls = kTlsDirectory;
  std::string text =
      "# Written by muster when the node was made.\nnode: " + settings.node + "\nlisten:\n";
  for (const std::string& endpoint : settings.listen) text += "  - \"" + endpoint + "\"\n";
  text += "tls:\n  authority: " + tls + "/ca.pem\n  certificate: " + tls +
          "/node.pem\n  key: " + tls + "/node.key\n";
  if (!settings.bootStatus.empty()) {
    text += std::string("boot:\n  script: ") + kBootScriptPath + "\n  log: " + settings.bootLog +
            "\n  status: " + settings.bootStatus + "\n";
  }
  return {kAgentConfigPath, text, 0600};
}

AgentFile bootScript(const std::vector<std::string>& commands) {
  std::string script = "#!/bin/sh\n# The cluster file's boot commands for this node.\nset -e\n";
  for (const std::string& command : commands) script += command + "\n";
  return {kBootScriptPath, script, 0755};
}

AgentFile hostsFile(const std::vector<NodeDescription>& nodes) {
  std::string text = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  for (const NodeDescription& node : nodes) {
    for (const std::string& address : node.addresses) text += address + " " + node.name + "\n";
  }
  return {"/etc/hosts", text};
}

bool machineHasIpv6() {
  return ::access("/proc/net/if_inet6", F_OK) == 0;
}

std::string agentListensAt(const std::string& address) {
  bool v6 = address.find(':') != std::string::npos;
  return "tls:" + (v6 ? "[" + address + "]" : address) + ":" + std::to_string(kAgentPort);
}

ClusterIdentity::ClusterIdentity(const std::string& cluster)
    : authority_(support::Authority::make("muster cluster " + cluster)),
      controller_(authority_.issueClient("admin:muster")) {}

std::vector<AgentFile> ClusterIdentity::nodeFiles(const std::string& node) const {
  support::KeyPair pair = authority_.issueNode(node);
  std::string tls = kTlsDirectory;
  return {{tls + "/ca.pem", authority_.certificate(), 0644},
          {tls + "/node.pem", pair.certificate, 0644},
          {tls + "/node.key", pair.key, 0600}};
}

std::vector<AgentFile> ClusterIdentity::controllerFiles(const std::string& directory) const {
  TlsFiles paths = controllerPaths(directory);
  return {{paths.authority, authority_.certificate(), 0600},
          {paths.certificate, controller_.certificate, 0600},
          {paths.key, controller_.key, 0600}};
}

TlsFiles ClusterIdentity::controllerPaths(const std::string& directory) {
  return {directory + "/ca.pem", directory + "/admin.pem", directory + "/admin.key"};
}

}  // namespace harness
