// The helper programs that a node keeps, each once, for plain blocking code.
#pragma once

#include <string>

#include "harness/rpc/controller_node.h"

namespace harness::rpc {

// Calls end and throw as those of ControllerNode do.
class Helpers {
 public:
  // Borrows `node`.
  explicit Helpers(ControllerNode& node) : node_(node) {}

  // Returns the path on the node at which `content` is an executable file. It is sent if the node
  // does not have it.
  std::string place(const std::string& content, SteadyTime until) const;

 private:
  ControllerNode& node_;
};

}  // namespace harness::rpc
