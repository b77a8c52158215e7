// Says whether the nodes of a run can meet what tests need, as far as that is known without making
// or asking a node: for plans. When tests run, harness/fixture decides.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/cluster/description.h"
#include "harness/selection/listed_test.h"

namespace harness {

// The number of nodes of each role.
using RoleCounts = std::map<std::string, int>;

// What is known of the nodes of one program.
struct ProgramNodes {
  // Those that it has: made for the most that any of its tests needs, or those of the cluster.
  RoleCounts nodes = {};

  // Why there are none for any of its tests. Empty: nothing is known against it.
  std::string obstacle = {};

  // What will not work on them, with the cost.
  std::vector<std::string> degraded = {};
};

class NodeProspect {
 public:
  // `option` is the name or the file of a cluster; empty: $MUSTER_CLUSTER has it. Where that is
  // empty, too, nodes are made for each program. A cluster that cannot be had is no error here, but
  // an obstacle. Throws ClusterFileError.
  explicit NodeProspect(const std::string& option);

  // "made on this machine for each program", "cluster kvd, which is up" and the like.
  const std::string& origin() const { return origin_; }

  ProgramNodes nodesFor(const std::vector<selection::ListedNeeds>& needs) const;

  // Says why no test with these needs can run. Empty: nothing is known against it.
  std::string whyUnmet(const selection::ListedNeeds& needs) const;

  // Says which of the needs are only looked at when the tests run: "systemd", "capability mknod".
  std::vector<std::string> unknownOf(const selection::ListedNeeds& needs) const;

 private:
  void choose(const std::string& cluster);

  std::string origin_ = "made on this machine for each program";

  // Absent: nodes are made for each program.
  std::optional<RoleCounts> cluster_ = {};
  std::string clusterName_ = {};
  std::string obstacle_ = {};
  std::vector<std::string> degraded_ = {};
};

// "client 1, server 3"; empty for no nodes.
std::string rolesText(const RoleCounts& nodes);

}  // namespace harness
