// The facts about a node, for plain blocking code. They are read from the node each time and never
// kept.
#pragma once

#include <muster/facts.h>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

// Calls end and throw as those of ControllerNode do.
class Facts {
 public:
  // Borrows `node`.
  explicit Facts(ControllerNode& node) : node_(node) {}

  muster::Facts read(SteadyTime until) const;

 private:
  ControllerNode& node_;
};

}  // namespace harness::rpc
