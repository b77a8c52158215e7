// How the hub's work fails. Its caller makes the provisioner's error of it.
#pragma once

#include <string>

#include "harness/os/error.h"

namespace harness {

// A failure of the hub, or of the code that it shares with its caller. What the system itself
// refuses is a plain SystemError.
class HubError : public SystemError {
 public:
  // `node` is empty where the failure belongs to the whole cluster.
  explicit HubError(const std::string& detail, const std::string& node = "")
      : SystemError(node.empty() ? detail : "node " + node + ": " + detail),
        node_(node),
        detail_(detail) {}

  const std::string& node() const { return node_; }
  // The text without the node's name.
  const std::string& detail() const { return detail_; }

 private:
  std::string node_;
  std::string detail_;
};

}  // namespace harness
