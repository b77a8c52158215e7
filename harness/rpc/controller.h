// All connections of a process: the one thread that they run on, and the nodes that they lead to.
//
//   Controller controller;
//   ControllerNode& node = controller.connect(description);
//   muster::Result result = rpc::Jobs(node).run(request, until);
//   controller.closeAll(until);
//
// Single nodes are asked through controller_node.h, jobs of several at once through job/jobs.h.
#pragma once

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include <muster/facts.h>
#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"

namespace harness {

struct NodeSurvey {
  muster::Facts facts;
  muster::NodeState state;
};

// Destroying it without closeAll leaves the sessions to their leases.
class Controller {
 public:
  explicit Controller(const ControllerOptions& options = {});
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Begins to connect and returns at once. The node lives as long as the controller.
  ControllerNode& connect(const NodeDescription& description);

  // Asks all nodes at once what they are, and for their clocks a few times; the estimates are in
  // the answers. One answer per node, in order.
  std::vector<std::variant<NodeSurvey, muster::NodeError>> survey(
      const std::vector<ControllerNode*>& nodes, SteadyTime until);

  // Waits for all of `nodes` at once; one entry per node, empty where it is connected.
  std::vector<std::optional<muster::NodeError>> awaitAll(const std::vector<ControllerNode*>& nodes,
                                                         SteadyTime until);

  // Ends all sessions, which undoes what they did, and all connections. Reports what could not be
  // undone, or asked.
  std::vector<Leftover> closeAll(SteadyTime until);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace harness
