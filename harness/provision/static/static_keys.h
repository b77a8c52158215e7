// What a cluster file says of nodes that exist already: where each agent answers, and with which
// certificates.
#pragma once

#include <vector>

#include "harness/cluster/description.h"
#include "harness/cluster/kind_keys.h"

namespace harness {

KindKeys staticKeys();

// One route per node, in the order of the plan. Throws ClusterFileError.
std::vector<AgentRoute> staticRoutes(const ClusterPlan& plan);

}  // namespace harness
