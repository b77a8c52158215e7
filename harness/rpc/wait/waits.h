// Lets nodes wait for conditions and ask web servers (schema/wait.capnp), for plain blocking code.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <muster/condition.h>
#include <muster/http.h>
#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

// Calls end and throw as those of ControllerNode do.
class Waits {
 public:
  // Borrows `node`.
  explicit Waits(ControllerNode& node) : node_(node) {}

  // Waits until `condition` holds and returns what the last look saw. NodeError kTimeout at
  // `until`. The call itself may take until `limit`, to bring that look.
  std::string await(const muster::Condition& condition, SteadyTime until, SteadyTime limit) const;

  muster::HttpResponse get(const std::string& url, const muster::HttpOptions& options,
                           SteadyTime until) const;

 private:
  ControllerNode& node_;
};

using WaitAnswer = std::variant<std::string, muster::NodeError>;

// Waits on all of `nodes` at once. There is one answer per node, in order.
std::vector<WaitAnswer> awaitOnAll(const std::vector<ControllerNode*>& nodes,
                                   const muster::Condition& condition, SteadyTime until,
                                   SteadyTime limit);

using HttpAnswer = std::variant<muster::HttpResponse, muster::NodeError>;

std::vector<HttpAnswer> getOnAll(const std::vector<ControllerNode*>& nodes, const std::string& url,
                                 const muster::HttpOptions& options, SteadyTime until);

}  // namespace harness::rpc
