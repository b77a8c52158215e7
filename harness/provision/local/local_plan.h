// From the plan of a local cluster to what the hub shall make and to the description of what it
// will be.
#pragma once

#include <string>

#include "harness/cluster/description.h"
#include "harness/cluster/plan.h"
#include "harness/provision/local/hub/spec.h"

namespace harness {

struct LocalPlan {
  HubSpec hub;
  // Complete but for what is known only when the hub runs: see completeDescription.
  ClusterDescription description;
};

// Writes names, certificates and the agents' configuration. Throws ClusterFileError for a plan that
// cannot be.
LocalPlan composeLocal(const ClusterPlan& plan, const std::string& agentProgram);

// Fills in the network namespace of endpoints that are reached by TCP.
void completeDescription(ClusterDescription& description, pid_t hub);

// The path of an agent's unix socket on this machine.
std::string agentSocketOf(const std::string& cluster, const std::string& node);

bool machineHasIpv6();

}  // namespace harness
