// All connections of a process, with the one thread that they run on and the nodes they lead to.
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
#include <string>
#include <variant>
#include <vector>

#include <muster/facts.h>
#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/facts/snapshot.h"
#include "harness/rpc/scope.h"

namespace harness {

struct NodeSurvey {
  muster::Facts facts;
  muster::NodeState state;
};

struct EarlierAnswer {
  std::vector<EarlierSession> sessions;

  // The nodes whose agents are too old to tell of earlier sessions.
  std::vector<std::string> untold;
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

  // Asks all nodes at once for their facts, and a few times for their clocks; the estimates are in
  // the answers. There is one answer per node, in order.
  std::vector<std::variant<NodeSurvey, muster::NodeError>> survey(
      const std::vector<ControllerNode*>& nodes, SteadyTime until);

  // Asks all nodes at once what runs and is set up on them. There is one answer per node, in order.
  std::vector<std::variant<Snapshot, muster::NodeError>> snapshots(
      const std::vector<ControllerNode*>& nodes, SteadyTime until);

  // Waits for all of `nodes` at once. Returns one entry per node, empty where it is connected.
  std::vector<std::optional<muster::NodeError>> awaitAll(const std::vector<ControllerNode*>& nodes,
                                                         SteadyTime until);

  // Returns the earlier sessions that were on the nodes when they were connected to first. Nodes
  // without a connection are left out.
  EarlierAnswer earlierSessions(const std::vector<ControllerNode*>& nodes);

  // Acts on earlier sessions of these nodes, all at once. Returns a sentence for each that could
  // not be ended or adopted, and for each change that could not be undone. A session that is gone
  // by now is a success.
  std::vector<std::string> actOnEarlier(const std::vector<EarlierSession>& sessions,
                                        EarlierAction action, SteadyTime until);

  // Begins a scope within the innermost one. What is begun in it on any node ends with it: commands
  // whose lifetime is kTest, and changes that are undone at kTestEnd. `name` names it to people,
  // and `labels` replace those of the sessions.
  ScopeHandle beginScope(std::string name, std::vector<std::pair<std::string, std::string>> labels);

  // Ends a scope and those within it on all nodes at once. Returns the changes that could not be
  // undone. A node that cannot be reached ends it before the next one begins there, or when its
  // session ends. A scope that has ended is passed over.
  std::vector<Leftover> endScope(const ScopeHandle& scope, SteadyTime until);

  // Ends all sessions, which undoes their changes, and all connections. Returns the changes that
  // could not be undone, and the nodes that could not be asked.
  std::vector<Leftover> closeAll(SteadyTime until);

  // Makes all calls on the nodes fail with kind kCancelled and this reason, those that are under
  // way too, until allowCalls(). closeAll() works all the time. Any thread may call these two.
  void refuseCalls(const std::string& reason);
  void allowCalls();

  // Ends all connections and the thread. The nodes stay: their state is kClosed, and every other
  // call on them fails at once. Sessions that were not closed are left to their leases.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace harness
