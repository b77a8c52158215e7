// One node and the self-healing connection to it, for plain blocking code: promises stay behind it.
//
// The services of the node are classes of their own, which borrow the node and are made where they
// are used:
//
//   rpc::Files(node).setMode("/etc/kvd.conf", 0600, until);
//   rpc::Services(node).status("kvd", until);
//
// Every call ends at `until` at the latest and throws muster::NodeError when there is no answer to
// give; its `where` is empty, for the public classes to fill in. Calls may come from any thread.
#pragma once

#include <memory>

#include <muster/node_state.h>

#include "harness/cluster/description.h"
#include "harness/rpc/controller_options.h"

namespace harness {

// Made by Controller::connect, and owned by that controller.
class ControllerNode {
 public:
  struct Impl;

  explicit ControllerNode(std::unique_ptr<Impl> impl);
  ~ControllerNode();
  ControllerNode(const ControllerNode&) = delete;
  ControllerNode& operator=(const ControllerNode&) = delete;

  const NodeDescription& description() const;

  // Returns the state as it is known here, and asks nobody.
  muster::NodeState state() const;

  // Waits until the connection is established. Throws NodeError kUnreachable and kRefused.
  void awaitConnected(SteadyTime until);

  // Waits until the connection is not established. False: `until` came first.
  bool awaitDisconnected(SteadyTime until);

  // Returns the inside, for the services of this room (node_calls.h).
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace harness
