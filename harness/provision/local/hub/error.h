// HubError says how the hub's work failed. Its caller makes the provisioner's error of it.
#pragma once

#include <string>

#include "harness/os/error.h"

namespace harness {

// A failure of the hub, or of the code that it shares with its caller. A refusal of the system is a
// plain SystemError.
class HubError : public SystemError {
 public:
  enum class Kind {
    kFailed,
    // This machine cannot do it at all.
    kUnsupported
  };

  // `node` is empty where the failure belongs to the whole cluster.
  explicit HubError(const std::string& detail, const std::string& node = "",
                    Kind kind = Kind::kFailed)
      : SystemError(node.empty() ? detail : "node " + node + ": " + detail),
        node_(node),
        detail_(detail),
        kind_(kind) {}

  Kind kind() const { return kind_; }
  const std::string& node() const { return node_; }
  // Returns the text without the node's name.
  const std::string& detail() const { return detail_; }

 private:
  std::string node_;
  std::string detail_;
  Kind kind_;
};

}  // namespace harness
