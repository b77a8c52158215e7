// Composes the cluster file of `muster deploy` from the hosts of its command line.
#pragma once

#include <string>
#include <vector>

namespace harness {

struct DeployWords {
  // Words such as "node[1-3].lab", "10.0.0.5" and "tester@gate".
  std::vector<std::string> hosts;
  std::string cluster;
  std::string role;
  // Empty: left to ssh.
  std::string user;
  std::string jump;
  std::string identity;
  std::string config;
  std::string agentPort;
};

// Returns the file, in which a node is named after its host, or by a number where that is an
// address. Throws CommandError for hosts that cannot be, or that are named twice.
std::string deployFile(const DeployWords& words);

}  // namespace harness
