// Composes the hub's specification and the cluster's description from the plan of a local cluster.
// It makes no node.
#pragma once

#include <string>

#include "harness/cluster/description.h"
#include "harness/cluster/plan.h"
#include "harness/provision/local/hub/spec.h"

namespace harness {

struct LocalPlan {
  HubSpec hub;
  // Complete but for the parts that are known only when the hub runs (completeDescription).
  ClusterDescription description;
};

// Writes names, certificates and the agents' configuration. Throws ClusterFileError for a plan that
// cannot be.
LocalPlan composeLocal(const ClusterPlan& plan, const std::string& agentProgram);

// Fills in the network namespace of endpoints that are reached by TCP.
void completeDescription(ClusterDescription& description, pid_t hub);

// Returns the path of an agent's unix socket on this machine.
std::string agentSocketOf(const std::string& cluster, const std::string& node);

}  // namespace harness
