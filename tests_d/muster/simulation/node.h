// One simulated node, with the real keeper's parts over a simulated machine, and the real relay of
// the front before it. Both can be killed and started again.
#pragma once

#include <stdint.h>

#include <map>
#include <string>

#include <kj/async-io.h>
#include <kj/debug.h>

#include "nodeagent/exec/exec_service.h"
#include "nodeagent/file/file_service.h"
#include "nodeagent/keeper/client_connections.h"
#include "nodeagent/keeper/gate.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"
#include "tests_d/muster/simulation/file_tree.h"
#include "tests_d/muster/simulation/machine.h"
#include "tests_d/muster/simulation/network.h"

namespace simulation {

class Node final : public kj::TaskSet::ErrorHandler {
 public:
  // `files` outlives the node. A node without them serves none.
  Node(World& world, Machine& machine, nodeagent::exec::JobLimits limits,
       kj::Maybe<FileTree&> files);
  ~Node() noexcept(false);

  void startKeeper();
  // Kills the keeper as SIGKILL would. Nothing is cleaned up, and the next keeper ends the
  // processes that it finds.
  void killKeeper();
  bool keeperRuns() const { return keeper_.get() != nullptr; }
  void startFront() { frontRuns_ = true; }
  void killFront();
  bool frontRuns() const { return frontRuns_; }

  // Ends all processes. The node comes back with another boot id.
  void reboot();

  // Accepts a connection of that controller.
  void accept(unsigned controller, kj::Own<kj::AsyncIoStream> client);

  // How often the keeper was started, killed, and the node booted. With these the model checks the
  // reasons of lost commands.
  unsigned keeperStarts() const { return keeperStarts_; }
  unsigned keeperKills() const { return keeperKills_; }  // Reboots do not count here.
  unsigned boots() const { return boots_; }

  // The longest time, on the boot clock, in which the keeper received nothing from a controller.
  int64_t longestSilenceNs(unsigned controller) const;
  int64_t lastHeardBoottimeNs(unsigned controller) const;

  size_t sessionCount() const { return keeper_.get() == nullptr ? 0 : keeper_->sessions.count(); }
  size_t runningCount() const {
    return keeper_.get() == nullptr ? 0 : keeper_->exec->jobs().runningCount();
  }
  size_t connectionCount() const {
    return keeper_.get() == nullptr ? 0 : keeper_->connections.count();
  }
  const nodeagent::exec::Spool* spool() const {
    return keeper_.get() == nullptr ? nullptr : &keeper_->exec->jobs().spool();
  }

  // The node must have files.
  FileTree& files() { return KJ_ASSERT_NONNULL(files_); }

  static std::string identityOf(unsigned controller);

 private:
  struct Keeper {
    Keeper(Node& node, support::Id epoch);
    nodeagent::SessionTable sessions;
    kj::Own<nodeagent::AuditLog> audit = nodeagent::discardAuditLog();
    SimulatedPlatform platform;
    nodeagent::ServiceHost host;
    const nodeagent::ExecService* exec = nullptr;  // It is one of `services`.
    nodeagent::ServiceSet services;
    nodeagent::GateContext gates;
    nodeagent::ClientConnections connections;
    kj::Promise<void> leases;

   private:
    kj::Array<kj::Own<nodeagent::AgentService>> makeServices(Node& node);
  };
  struct Contact {
    int64_t lastBoottimeNs = 0;
    int64_t longestSilenceNs = 0;
  };

  void endKeeper();
  kj::Promise<void> relay(unsigned controller, kj::Own<kj::AsyncIoStream> client);
  void heard(unsigned controller);
  void taskFailed(kj::Exception&& exception) override;

  World& world_;
  Machine& machine_;
  nodeagent::exec::JobLimits limits_;
  kj::Maybe<FileTree&> files_;
  kj::String bootId_;
  unsigned keeperStarts_ = 0;
  unsigned keeperKills_ = 0;
  unsigned boots_ = 1;
  bool frontRuns_ = true;
  std::map<unsigned, Contact> contacts_;
  kj::Own<Keeper> keeper_;
  kj::Own<kj::TaskSet> relays_;
};

}  // namespace simulation
