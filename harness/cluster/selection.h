// Which nodes of a cluster a text such as "server[1-3],client1", "@client" or "@rack=a!server2"
// means.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/description.h"
#include "harness/cluster/node_expression.h"
#include "harness/cluster/plan.h"

namespace harness {

// Returns names, in the order of the cluster. Groups are roles ("@server"), labels ("@rack=a", or
// "@rack" for any value) and "@*". Throws NodeExpressionError for a bad set, and for a node or
// group that the cluster does not have.
std::vector<std::string> selectNodes(const ClusterDescription& cluster, const std::string& set);

// Does so for a setting of a cluster file and the nodes of its plan. Throws ClusterFileError with
// the place of what is wrong.
std::vector<std::string> selectNodes(const ClusterPlan& plan, const Setting& set);

}  // namespace harness
