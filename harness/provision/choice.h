// chooseCluster() says which cluster a person means, for the command and for test programs.
//
// A text is the path of a cluster file or the name of a cluster that is up. A file means nodes as
// it describes them, so that a cluster of its name that was made otherwise is refused; a name means
// the cluster as it is. Each reason why there
// is none is kept: it is in the error.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "harness/provision/provisioner.h"

namespace harness {

inline constexpr char kClusterVariable[] = "MUSTER_CLUSTER";

// Returns `option` unless it is empty, then $MUSTER_CLUSTER. Empty: neither names a cluster.
std::string clusterText(const std::string& option);

// True if `text` names a file and not a cluster: it has a slash, or ends with .yaml or .yml.
bool looksLikeFile(const std::string& text);

// A cluster that is up.
struct ExistingCluster {
  std::unique_ptr<Provisioner> provisioner;
  ClusterDescription description;
  // Those of the file by which it was chosen, else of the file of which it was made.
  ClusterWishes wishes = {};
};

// A cluster of a file that is not up.
struct ClusterToMake {
  std::unique_ptr<Provisioner> provisioner;
  ClusterPlan plan;
  // The reason why it is not up.
  std::string reason;
  // The description of nodes that exist without being made, as far as it is known without asking.
  std::optional<ClusterDescription> foretold;
};

using Choice = std::variant<ExistingCluster, ClusterToMake>;

// No cluster is meant, or none can be had. A file that cannot be read or is wrong is
// ClusterFileError instead.
class ChoiceError : public std::runtime_error {
 public:
  enum class Kind {
    // No cluster is up, or none of this name.
    kNone,
    // Several are up, so that one must be named.
    kSeveral,
    // Another user may see whether one is up.
    kNoPermission,
    // It is up and does not answer.
    kNoAnswer,
    // It is up, and its file says something else.
    kChanged
  };

  ChoiceError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// Returns the cluster of `text`, which is not empty. Throws ChoiceError and ClusterFileError, and
// ProvisionError where neither describes the failure.
Choice chooseCluster(const std::string& text);

// Returns the only cluster that is up and stays up until `down`: nobody means one that a running
// test program made for itself. Throws ChoiceError.
ExistingCluster chooseOnlyCluster();

// A cluster of which something is on this machine, and its kind.
struct PresentCluster {
  std::string provisioner;
  ClusterEntry entry;
};

// Returns such clusters of all kinds, in the order of the kinds.
std::vector<PresentCluster> presentClusters();

}  // namespace harness
