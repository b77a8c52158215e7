// How making and unmaking of nodes fails.
#pragma once

#include <stdexcept>
#include <string>

namespace harness {

// A node or a cluster could not be made, found or changed. What was half made has been removed.
class ProvisionError : public std::runtime_error {
 public:
  // `node` is empty where the failure belongs to the whole cluster.
  explicit ProvisionError(const std::string& detail, std::string node = "")
      : std::runtime_error(node.empty() ? detail : "node " + node + ": " + detail),
        node_(std::move(node)),
        detail_(detail) {}

  const std::string& node() const { return node_; }
  const std::string& detail() const { return detail_; }  // Without the node's name.

 private:
  std::string node_;
  std::string detail_;
};

// The machine or the caller's privileges do not allow it; the text names each thing that is
// missing.
class MissingCapability : public ProvisionError {
 public:
  using ProvisionError::ProvisionError;
};

}  // namespace harness
