// ProvisionError says how making and unmaking of nodes failed.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace harness {

// A node or a cluster could not be made, found or changed. Half-made nodes have been removed.
class ProvisionError : public std::runtime_error {
 public:
  // The kinds differ by what the caller can do.
  enum class Kind {
    // Read the text.
    kFailed,
    // There is no such cluster: take another name, or make it first.
    kNoSuchCluster,
    // This user may not see whether there is such a cluster, or may not change it: be another user,
    // such as root.
    kNoPermission,
    // Nodes cannot be made here: take another machine, or install the things that the text names.
    kNotPossibleHere,
    // The cluster is there and does not answer: try later, or remove it.
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
  // Returns the text without the node's name.
  const std::string& detail() const { return detail_; }

 private:
  Kind kind_;
  std::string node_;
  std::string detail_;
};

// Returns several reasons as one text.
inline std::string joined(const std::vector<std::string>& reasons,
                          const std::string& separator = "; ") {
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "" : separator) + reason;
  return text;
}

}  // namespace harness
