// HostNode makes and unmakes the agent of one node on its host, step by step.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/provision/program/backend.h"
#include "harness/provision/ssh/agent_program.h"
#include "harness/provision/ssh/host_files.h"
#include "harness/provision/ssh/ssh_connection.h"
#include "harness/provision/ssh/ssh_keys.h"

namespace harness {

// The first step of up() that may leave something on the host.
inline constexpr char kFirstStep[] = "checking";

enum class AgentLife {
  kAlive,
  // Its files are there.
  kDead,
  kAbsent
};

// It belongs to one thread at a time; different nodes may be on different threads. Failures are
// HostError.
class HostNode {
 public:
  HostNode(SshNode node, AgentOwner owner);

  const std::string& name() const { return node_.name; }
  const SshNode& settings() const { return node_; }

  // Called before each step with its name, such as "copying". What it throws ends up().
  using Step = std::function<void(const std::string& step, const std::string& detail)>;

  // Copies the agent, starts it, and finds the way to it.
  MadeNode up(const AgentProgram& program, const std::vector<AgentFile>& certificates,
              const Step& step);

  // Removes all of it, also the connection, and looks whether nothing is left.
  void down();

  AgentLife life();

  // Ends what of this machine belongs to the node, and leaves the host alone.
  void closeConnection() const;

 private:
  HostAnswer check(const AgentProgram& program);
  HostAnswer stopAgent();
  void copy(const AgentProgram& program);
  std::string start(const HostAnswer& host, const std::vector<AgentFile>& certificates);
  MadeNode reach(const HostAnswer& host, const Step& step);
  std::string text(const std::string& step, const std::string& reason) const;

  SshNode node_;
  AgentOwner owner_;
  std::string key_;
  SshConnection ssh_;
};

// Returns the word that names an agent on its host, whoever else has agents there.
std::string keyOfAgent(const AgentOwner& owner, const std::string& node);

}  // namespace harness
