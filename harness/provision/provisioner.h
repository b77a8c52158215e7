// A provisioner makes and unmakes nodes; there is one implementation per kind of node. The list of
// kinds is in kinds.h.
//
// contract/contract_testing.cc holds every kind to this contract.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/cluster/description.h"
#include "harness/cluster/plan.h"

namespace harness {

// The keeper of a cluster, by whose end the nodes end.
enum class Tenure {
  // The calling process: the nodes end when it does, however it ends.
  kOwned,
  // Nobody: the nodes stay until `down`.
  kStanding
};

// The obstacles that the machine and the caller's privileges put in the way of a plan. Each text
// names a thing and how it would be right.
struct Examination {
  // Without these there are no nodes.
  std::vector<std::string> missing;
  // Without these something else will not work; the text names it and the cost.
  std::vector<std::string> degraded;
};

// A cluster of which something is on this machine.
struct ClusterEntry {
  enum class Life {
    kRunning,
    // A killed process has left it; `collect` removes it.
    kLeftover,
    // It is another user's: the caller may not see whether it is up.
    kHidden
  };

  std::string name;
  Life life = Life::kRunning;
};

enum class Power { kOn, kFrozen, kOff };

struct ClusterState {
  Tenure tenure = Tenure::kStanding;
  // The power of each node. Absent: the kind does not know.
  std::map<std::string, Power> power;
};

// A node has come to a state on its way up. It is a word or two of its kind, such as "copying",
// "booting" or "ready".
struct NodeEvent {
  std::chrono::system_clock::time_point time;
  std::string node;
  std::string state;
  std::string detail;
};

// How far up() is.
struct UpProgress {
  // Those whose agents listen, and whose boot commands are over.
  size_t ready = 0;
  size_t nodes = 0;
  // Absent: no node has come to another state since the last time.
  std::optional<NodeEvent> event = {};
};

// What powerOn found.
enum class PowerBefore { kOff, kOn };

// Acts on whole machines. Calls block until done; failures are ProvisionError with the node's name.
class MachineControl {
 public:
  virtual ~MachineControl() = default;

  // Stops and continues every process of a node, its agent too. A node is thawed by the provisioner
  // when the process that froze it ends.
  virtual void freeze(const std::string& cluster, const std::string& node) = 0;
  virtual void thaw(const std::string& cluster, const std::string& node) = 0;

  // Ends a node as a power cut does, and starts it again with its disks. powerOn answers when its
  // agent listens and whatever up() waits for is done, and fails as up() does; the node is off
  // then. Neither does anything to a node that is off or on already. A node is powered on by the
  // provisioner when the process that powered it off ends.
  virtual void powerOff(const std::string& cluster, const std::string& node) = 0;
  virtual PowerBefore powerOn(const std::string& cluster, const std::string& node) = 0;
};

// Makes and unmakes the nodes of clusters. It is not thread-safe; calls block until done, each at
// most a minute beyond the time in its comment. Failures are ProvisionError, with the node's name
// where there is one, after half-made nodes were removed. A plan that cannot be is
// ClusterFileError, before anything is touched.
class Provisioner {
 public:
  virtual ~Provisioner() = default;

  // Says whether up() could make the plan here. Changes nothing.
  virtual Examination examine(const ClusterPlan& plan) = 0;

  // Returns the description that up() would return, without asking any node, where nodes exist
  // without being made. nullopt: only up() can tell.
  virtual std::optional<ClusterDescription> foretell(const ClusterPlan& plan);

  // Makes the nodes and waits until every agent listens. A cluster of the same name that is up
  // already, and was made by this kind, is an error that leaves it alone. kNotPossibleHere if
  // examine() finds something missing.
  virtual ClusterDescription up(const ClusterPlan& plan, Tenure tenure) = 0;

  // up() tells `watcher`, unless that is empty, on its own thread how far it is, when it begins to
  // wait and at least each 200 ms from then on. What that throws ends up(), which passes it on
  // after half-made nodes were removed. A kind that does not know how far it is tells nothing.
  void watchUp(std::function<void(const UpProgress& progress)> watcher) {
    upWatcher_ = std::move(watcher);
  }

  // Returns the cluster of this name that is up. Fails with kNoSuchCluster, kNoPermission or
  // kNoAnswer where there is none, or none to be had.
  virtual ClusterDescription find(const std::string& cluster) = 0;

  // Removes the nodes and everything that was made for them, also the leftovers of a killed
  // process. A cluster that does not exist is not an error.
  virtual void down(const std::string& cluster) = 0;

  // Returns the clusters of which something is on this machine, sorted by name. Empty for a kind
  // that makes nothing.
  virtual std::vector<ClusterEntry> list() = 0;

  // Returns what the file of a cluster that is up asked for beside its nodes when they were made;
  // fails as find() does. None where the kind keeps nothing.
  virtual ClusterWishes wishes(const std::string& cluster);

  // Returns the state of a cluster that is up; fails as find() does.
  virtual ClusterState state(const std::string& cluster) = 0;

  // Returns the states that the nodes of a cluster have come to, in their order. Empty where the
  // kind keeps none, and for a cluster that is not there.
  virtual std::vector<NodeEvent> history(const std::string& cluster);

  // Returns how the plan differs from the cluster of its name that is up, a text for each
  // difference. Empty: in nothing that is known. Fails as find() does.
  virtual std::vector<std::string> differences(const ClusterPlan& plan);

  // Removes the leftovers of killed processes, and returns the names of those clusters. A cluster
  // that is up is not touched.
  virtual std::vector<std::string> collect() = 0;

  // Returns null where nodes cannot be frozen and powered off. It lives as long as the provisioner.
  virtual MachineControl* machineControl();

 protected:
  void tell(const UpProgress& progress) const {
    if (upWatcher_) upWatcher_(progress);
  }

 private:
  std::function<void(const UpProgress&)> upWatcher_;
};

// Watches up() while it lives.
class UpWatch {
 public:
  UpWatch(Provisioner& provisioner, std::function<void(const UpProgress&)> watcher)
      : provisioner_(provisioner) {
    provisioner_.watchUp(std::move(watcher));
  }
  ~UpWatch() { provisioner_.watchUp({}); }
  UpWatch(const UpWatch&) = delete;
  UpWatch& operator=(const UpWatch&) = delete;

 private:
  Provisioner& provisioner_;
};

}  // namespace harness
