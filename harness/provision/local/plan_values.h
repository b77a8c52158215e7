// The plan of a local cluster as texts, by which a file that has changed since is found.
#pragma once

#include "harness/cluster/plan.h"
#include "harness/provision/plan_differences.h"

namespace harness {

// Throws ClusterFileError for a plan that cannot be.
PlanValues planValues(const ClusterPlan& plan);

}  // namespace harness
