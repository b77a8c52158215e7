// Asks a node for the status of its services, changes them and waits for them, for plain blocking
// code. The node chooses their manager (schema/service.capnp).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <muster/node_error.h>
#include <muster/service_status.h>
#include <muster/write_options.h>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

struct ServiceName {
  std::string name;

  // Empty: the service is the node's own.
  std::string user = {};
};

struct ServiceChange {
  muster::ServiceAction action = muster::ServiceAction::kStart;

  // Is that of kKill, and 0 otherwise.
  int signal = 0;
  muster::UndoAt undo = muster::UndoAt::kNever;
};

// Returns the word for an action, as the tools of managers and the command line spell it.
const char* wordOf(muster::ServiceAction action);

// Calls end and throw as those of ControllerNode do.
class Services {
 public:
  // Borrows `node`.
  explicit Services(ControllerNode& node) : node_(node) {}

  muster::ServiceStatus status(const ServiceName& name, SteadyTime until) const;

  // Waits until the manager says that it is done, at most ten minutes, and gives the status
  // afterwards.
  muster::ServiceStatus act(const ServiceName& name, const ServiceChange& change,
                            SteadyTime until) const;

  // Waits until the service runs. NodeError kSystem if it has failed, and kTimeout at `until`. The
  // call itself may take until `limit`, to bring what the service has logged.
  muster::ServiceStatus awaitActive(const ServiceName& name, SteadyTime until,
                                    SteadyTime limit) const;

 private:
  ControllerNode& node_;
};

using ServiceAnswer = std::variant<muster::ServiceStatus, muster::NodeError>;

// Do the same on all of `nodes` at once. There is one answer per node, in order.
std::vector<ServiceAnswer> statusOnAll(const std::vector<ControllerNode*>& nodes,
                                       const ServiceName& name, SteadyTime until);
std::vector<ServiceAnswer> actOnAll(const std::vector<ControllerNode*>& nodes,
                                    const ServiceName& name, const ServiceChange& change,
                                    SteadyTime until);
std::vector<ServiceAnswer> awaitActiveOnAll(const std::vector<ControllerNode*>& nodes,
                                            const ServiceName& name, SteadyTime until,
                                            SteadyTime limit);

}  // namespace harness::rpc
