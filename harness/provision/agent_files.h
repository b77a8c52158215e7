// These functions write the files that an agent needs on its node, and a controller to reach it,
// such as configuration, boot commands, names and certificates. Bringing them to the node is the
// provisioner's task.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "harness/cluster/description.h"
#include "schema/support/tls/pki.h"

namespace harness {

// The directory of the agent's files on every node.
inline constexpr char kAgentDirectory[] = "/etc/nodeagent";
inline constexpr char kAgentConfigPath[] = "/etc/nodeagent/nodeagent.yaml";
inline constexpr char kBootScriptPath[] = "/etc/nodeagent/boot";

// The port at which an agent listens for TLS.
inline constexpr uint16_t kAgentPort = 7411;

struct AgentFile {
  std::string path;
  std::string content;
  mode_t mode = 0644;
};

// The settings in the configuration of one agent.
struct AgentSettings {
  std::string node;
  // Endpoints such as "unix:/run/muster/agent.sock" and "tls:10.0.0.5:7411".
  std::vector<std::string> listen;
  // Paths for the output of the boot commands and for their status, if there are any.
  std::string bootLog;
  std::string bootStatus;
};

AgentFile agentConfig(const AgentSettings& settings);

// Returns a shell script that runs the commands in order and ends with the first that fails.
AgentFile bootScript(const std::vector<std::string>& commands);

// Returns /etc/hosts with the addresses of all nodes.
AgentFile hostsFile(const std::vector<NodeDescription>& nodes);

// Says whether this machine has IPv6.
bool machineHasIpv6();

// Returns the endpoint of an agent on an address of its node, such as "tls:[fd77::1]:7411".
std::string agentListensAt(const std::string& address);

// The certificates of one cluster. They are made anew, so that no two clusters trust each other.
class ClusterIdentity {
 public:
  explicit ClusterIdentity(const std::string& cluster);

  // Returns the agent's certificate and key with the authority's certificate, at the paths that
  // agentConfig names.
  std::vector<AgentFile> nodeFiles(const std::string& node) const;

  // Returns the authority's certificate with the controller's own and its key, in `directory`.
  std::vector<AgentFile> controllerFiles(const std::string& directory) const;

  // Returns the paths of controllerFiles.
  static TlsFiles controllerPaths(const std::string& directory);

 private:
  support::Authority authority_;
  support::KeyPair controller_;
};

}  // namespace harness
