// These functions read from a plan how each node's host is reached by ssh(1), and how its agent is
// to be started there. They ask no host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/cluster/kind_keys.h"

namespace harness {

// The way to a host, as ssh(1) takes it. What is empty or 0 is left to ssh and its configuration.
struct SshHost {
  std::string host;
  std::string user;
  uint16_t port = 0;
  // Absolute paths, except for "~/…" in `identity`, which ssh expands.
  std::string identity;
  std::string config;
  // Hosts to go through, as for ssh -J.
  std::string jump;
  // Whether commands on the host are run by sudo(8).
  bool usesSudo = false;
};

// The way in which a controller reaches an agent.
enum class ControlWay {
  // Directly if the agent's port answers, otherwise through ssh.
  kAuto,
  kDirect,
  kSsh
};

struct SshNode {
  std::string name;
  SshHost host;
  uint16_t agentPort = 0;
  ControlWay control = ControlWay::kAuto;
  // The word of the key "start": auto, systemd, systemd-run, init or plain.
  std::string start;
  bool isPersistent = false;
  // Where the host keeps agents. Empty: the usual place of the user.
  std::string directory;
  // The agent's program for this node. Empty: that of this machine.
  std::string agent;
};

KindKeys sshKeys();

// Returns the nodes in the order of the plan. Throws ClusterFileError.
std::vector<SshNode> sshNodes(const ClusterPlan& plan);

}  // namespace harness
