// ProvisionError says how making and unmaking of nodes failed.
#pragma once

#include <stdexcept>
#include <string>

namespace harness {

// A node or a cluster could not be made, found or changed. What was half made has been removed.
class ProvisionError : public std::runtime_error {
 public:
  // What the caller can do about it.
  enum class Kind {
    // Read the text.
    kFailed,
    // Another name, or make it first: there is no such cluster.
    kNoSuchCluster,
    // Another user, such as root: whether there is such a cluster cannot be seen, or it cannot be
    // changed.
    kNoPermission,
    // Another machine, or install what the text names: nodes cannot be made here.
    kNotPossibleHere,
    // Later, or remove it: the cluster is there and does not answer.
    kNoAnswer
  };

  // `node` is empty where the failure belongs to the whole cluster.
  explicit ProvisionError(const std::string& detail, const std::string& node = "")
      : ProvisionError(Kind::kFailed, detail, node) {}
  ProvisionError(Kind kind, const std::string& detail, const std::string& node = "")
      : std::runtime_error(node.empty() ? detail : "node " + node + ": " + detail),
        kind_(kind),
        node_(node),
        detail_(detail) {}

  Kind kind() const { return kind_; }
  const std::string& node() const { return node_; }
  // The text without the node's name.
  const std::string& detail() const { return detail_; }

 private:
  Kind kind_;
  std::string node_;
  std::string detail_;
};

}  // namespace harness
