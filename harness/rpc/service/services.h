// Asks a node for the status of its system services, and starts or stops them, for plain blocking
// code. The node chooses their manager (schema/service.capnp).
#pragma once

#include <string>

#include <muster/service_status.h>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

// Calls end and throw as those of ControllerNode do.
class Services {
 public:
  // Borrows `node`.
  explicit Services(ControllerNode& node) : node_(node) {}

  muster::ServiceStatus status(const std::string& name, SteadyTime until) const;

  // Waits until the manager says that it is done, at most ten minutes, and gives the status
  // afterwards.
  muster::ServiceStatus act(const std::string& name, muster::ServiceAction action,
                            SteadyTime until) const;

 private:
  ControllerNode& node_;
};

}  // namespace harness::rpc
