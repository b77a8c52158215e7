// These functions read from a plan where the agents of existing nodes answer, and with which
// certificates.
#pragma once

#include <vector>

#include "harness/cluster/description.h"
#include "harness/cluster/kind_keys.h"

namespace harness {

KindKeys staticKeys();

// Returns one route per node, in the order of the plan. Throws ClusterFileError.
std::vector<AgentRoute> staticRoutes(const ClusterPlan& plan);

}  // namespace harness
