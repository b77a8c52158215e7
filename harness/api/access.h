// The one way between the public objects and the connections behind them. For this folder, for the
// fixture that makes a cluster, and for tests that make connections of their own.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <muster/cluster.h>
#include <muster/node.h>
#include <muster/node_faults.h>
#include <muster/process_set.h>

#include "harness/api/fan_out.h"
#include "harness/cluster/description.h"
#include "harness/rpc/controller_node.h"
#include "harness/rpc/fault/injected_fault.h"
#include "harness/rpc/job/jobs.h"
#include "harness/rpc/sync/sync.h"

namespace harness {

// The actions on whole machines. Each function is given a node's name, blocks, and throws
// NodeError; kUnsupported where the nodes cannot.
struct MachineActions {
  std::function<void(const std::string& node)> freeze;
  std::function<void(const std::string& node)> thaw;
  std::function<void(const std::string& node)> powerOff;

  // Returns whether the node was off.
  std::function<bool(const std::string& node)> powerOn;
};

struct ClusterParts {
  ClusterDescription description;

  // One per node, in the order of the description. They outlive the cluster.
  std::vector<ControllerNode*> nodes;
  MachineActions machines;
};

struct ApiAccess {
  static muster::Node node(ControllerNode& node) { return muster::Node(node); }
  static std::unique_ptr<muster::Node> newNode(ControllerNode& node) {
    return std::unique_ptr<muster::Node>(new muster::Node(node));
  }
  static ControllerNode& behind(const muster::Node& node) { return *node.node_; }

  static const std::vector<muster::Node*>& nodesOf(const muster::NodeSet& nodes) {
    return nodes.nodes_;
  }
  // Returns how many nodes a call on the set goes to at once.
  static size_t fanOutOf(const muster::NodeSet& nodes) { return nodes.fanOutOr(kFanOutMax); }

  static muster::Process process(rpc::Job job) {
    return muster::Process(std::make_unique<rpc::Job>(std::move(job)));
  }
  // Returns what is known of a command without asking its node.
  static const muster::Result& known(const muster::Process& process) {
    return process.job_->result();
  }

  static const rpc::Job& behind(const muster::Process& process) { return *process.job_; }
  static std::vector<const muster::Process*> processesOf(const muster::ProcessSet& processes) {
    std::vector<const muster::Process*> all;
    for (const auto& one : processes.all_) all.push_back(&*one.value);
    return all;
  }

  // Returns what the fixture tells of the beginning and the end of tests.
  static rpc::Sync& sync(muster::Cluster& cluster) { return *cluster.sync_; }

  // Starts the daemons of a node again that are to be after it was powered on, in the order in
  // which they were made, and waits until each is ready.
  static void startDaemonsAgain(const muster::Node& node, const std::source_location& where);

  static muster::File file(ControllerNode& node, const std::string& path) {
    return muster::File(node, path);
  }
  static muster::Service service(ControllerNode& node, const std::string& name,
                                 const muster::ServiceOptions& options) {
    return muster::Service(node, name, options);
  }
  static muster::Frozen frozen(std::function<void()> thaw) {
    return muster::Frozen(std::move(thaw));
  }
  static muster::Fault fault(std::unique_ptr<rpc::InjectedFault> injected) {
    return muster::Fault(std::move(injected));
  }
  static muster::NodeFaults nodeFaults(std::vector<ControllerNode*> nodes) {
    return muster::NodeFaults(std::move(nodes));
  }
  // `call` is made when the fault is healed, or was tried to be. It must not throw.
  static void atEnd(muster::Fault& fault, std::function<void()> call) {
    fault.atEnd_.push_back(std::move(call));
  }
  static std::unique_ptr<muster::Cluster> newCluster(ClusterParts parts) {
    return std::unique_ptr<muster::Cluster>(new muster::Cluster(std::move(parts)));
  }

  // Makes these, in the order of the description, the nodes that the cluster's sets have.
  static void setPresent(muster::Cluster& cluster, const std::vector<ControllerNode*>& nodes) {
    std::vector<muster::Node*> present;
    for (muster::Node& node : cluster.all_) {
      bool isPresent = std::find(nodes.begin(), nodes.end(), &behind(node)) != nodes.end();
      if (isPresent) present.push_back(&node);
    }
    cluster.present_ = muster::NodeSet(present);
  }
};

}  // namespace harness
