// These functions compose the files of one agent on its host.
#pragma once

#include <string>
#include <vector>

#include "harness/provision/agent_files.h"
#include "harness/provision/ssh/ssh_keys.h"

namespace harness {

// What the host has said, and what names the agent there.
struct HostPlace {
  // Letters and digits that no other agent has.
  std::string key;
  // The agent's own directory, and that of its sockets.
  std::string home;
  std::string state;
  bool hasIpv6 = false;
};

// Describes whose an agent is, for people who look at the host.
struct AgentOwner {
  std::string owner;
  std::string cluster;
};

// Returns the files with the names that they have in the agent's directory: configuration,
// certificates, unit, init script, and who has made them. `certificates` are those that Muster made
// for the node, known by the last parts of their paths.
std::vector<AgentFile> hostFiles(const SshNode& node, const HostPlace& place,
                                 const AgentOwner& owner,
                                 const std::vector<AgentFile>& certificates);

// Return the unit and the init script that packages install, for the agent in `place`.
std::string unitFor(const SshNode& node, const HostPlace& place, const AgentOwner& owner);
std::string initScriptFor(const HostPlace& place);

}  // namespace harness
