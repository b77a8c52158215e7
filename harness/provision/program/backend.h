// Backend makes and unmakes the nodes of one kind, in a program of its own that is written in C++:
// serve.h speaks the provisioner protocol for it (docs/reference/provisioner-protocol.md).
//
// A backend keeps nothing of a cluster beyond a call. Muster keeps the plan, and whatever up()
// hands to UpReport::keep, and gives both to every later call, which may be one of another process
// after a crash.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/cluster/kind_keys.h"
#include "harness/provision/agent_files.h"
#include "harness/provision/provisioner.h"

namespace harness {

// A cluster that up() has made or begun to make.
struct KnownCluster {
  ClusterPlan plan;
  Tenure tenure = Tenure::kStanding;
  // A directory of this machine for files of the kind, which goes with the cluster.
  std::string directory;
  // Whatever was kept last. Null: up() did not get that far.
  nlohmann::json kept;
};

// The task of up().
struct UpRequest {
  ClusterPlan plan;
  Tenure tenure = Tenure::kStanding;
  // As that of KnownCluster. It exists.
  std::string directory;

  // The agent's static program on this machine.
  std::string agentProgram;

  // The files that an agent needs on its node, by the node's name: configuration, certificate, key.
  // Their paths are below kAgentDirectory. The configuration says that the agent listens at
  // "tls:0.0.0.0:7411", and at "tls:[::]:7411" if this machine has IPv6; a kind that needs it
  // otherwise composes its own.
  std::map<std::string, std::vector<AgentFile>> agentFiles;

  // Names the store of clusters that this one belongs to: a user of a machine. It is a mark for
  // what is made on a machine that several users share, by which list() tells its own from others'.
  std::string owner;
};

// Where the agent of a node answers.
struct MadeNode {
  // On the network that the nodes share, without prefix length.
  std::vector<std::string> addresses;
  support::Endpoint endpoint;
  // The path of the network namespace to connect from. Empty: the caller's own.
  std::string networkNamespace;
};

// The way of up() to tell how far it is. Its functions may be called on any thread.
class UpReport {
 public:
  virtual ~UpReport() = default;

  // Tells that a node is in a state, which is a word or two, such as "copying" or "booting"; it is
  // shown and kept with its time. "ready" is told by Muster, when the agent accepts connections.
  virtual void state(const std::string& node, const std::string& state,
                     const std::string& detail = "") = 0;

  // Keeps a value for later calls, in place of the one before. A kind calls it before it makes a
  // thing that it could not find again by the plan alone.
  virtual void keep(const nlohmann::json& value) = 0;

  // True once nobody wants the cluster any more: up() then removes what it has made and throws.
  virtual bool isCancelled() const = 0;
};

// Abilities that not every kind has. Calls block until done; failures are ProvisionError. See
// MachineControl for the meanings.
class BackendMachines {
 public:
  virtual ~BackendMachines() = default;

  virtual void freeze(const KnownCluster& cluster, const std::string& node) = 0;
  virtual void thaw(const KnownCluster& cluster, const std::string& node) = 0;
  virtual void powerOff(const KnownCluster& cluster, const std::string& node) = 0;
  // Need not wait for the agent: Muster does.
  virtual PowerBefore powerOn(const KnownCluster& cluster, const std::string& node) = 0;
};

// Calls come one at a time, on one thread, and block until done. Failures are ProvisionError, with
// the node's name where there is one; ClusterFileError for a plan that cannot be, before anything
// is touched. Cluster names are plain words (cluster_file.h).
class Backend {
 public:
  virtual ~Backend() = default;

  // The word and the keys of a cluster file. Every plan of later calls has passed their checks.
  virtual KindKeys keys() const = 0;

  // Says whether up() could make the plan here. Changes nothing.
  virtual Examination examine(const ClusterPlan& plan) = 0;

  // Makes the nodes and starts an agent in each, without waiting for the agents to listen. Returns
  // all nodes of the plan by name. Removes what it has half made before it throws.
  virtual std::map<std::string, MadeNode> up(const UpRequest& request, UpReport& report) = 0;

  // Returns the power of each node whose power can be told. Fails with kNoSuchCluster if nothing of
  // the cluster is there any more.
  virtual std::map<std::string, Power> state(const KnownCluster& cluster) = 0;

  // Removes all that was made for the cluster, also by an up() that was killed at any moment.
  // Nothing there is no error.
  virtual void down(const KnownCluster& cluster) = 0;

  // Returns the names of clusters of which something is there that bears the mark of `owner`.
  // Empty for a kind whose nodes bear none.
  virtual std::vector<std::string> list(const std::string& owner) = 0;

  // Null where nodes cannot be frozen and powered off.
  virtual BackendMachines* machines() { return nullptr; }
};

}  // namespace harness
