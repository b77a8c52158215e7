// What makes and unmakes nodes. One implementation per kind of node; all pass the contract in
// contract_test.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "harness/cluster/description.h"
#include "harness/cluster/plan.h"

namespace harness {

// Who keeps a cluster alive.
enum class Tenure {
  kOwned,    // The calling process: the nodes end when it does, however it ends.
  kStanding  // Nobody: the nodes stay until `down`.
};

// Not thread-safe; calls block until done, each at most a minute beyond what its comment says.
// Failures are ProvisionError, with the node's name where there is one; what was half made is
// removed first.
class Provisioner {
 public:
  virtual ~Provisioner() = default;

  // Makes the nodes and waits until every agent listens. A standing cluster of the same name that
  // runs is an error.
  virtual ClusterDescription up(const ClusterPlan& plan, Tenure tenure) = 0;

  // The cluster of this name that runs already. ProvisionError if there is none.
  virtual ClusterDescription find(const std::string& cluster) = 0;

  // Removes the nodes and everything that was made for them. A cluster that does not exist is not
  // an error.
  virtual void down(const std::string& cluster) = 0;

  // Stops and continues every process of a node, its agent too. Thawed by the provisioner when the
  // process that froze
  // it ends. ProvisionError "unsupported" where nodes cannot be frozen.
  virtual void freeze(const std::string& cluster, const std::string& node) = 0;
  virtual void thaw(const std::string& cluster, const std::string& node) = 0;

  // Ends a node as a power cut does, and starts it again with its disks. powerOn answers when its
  // agent listens.
  virtual void powerOff(const std::string& cluster, const std::string& node) = 0;
  virtual void powerOn(const std::string& cluster, const std::string& node) = 0;
};

}  // namespace harness
