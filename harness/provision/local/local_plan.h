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
  ClusterDescription description;  // Complete but for what is known only when the hub runs: see
                                   // completeDescription.
};

constexpr uint16_t kAgentPort = 7411;

// Chooses addresses, writes names, certificates and the agents' configuration. Throws
// ProvisionError for a plan that cannot be: an address outside of the shared network, one that two
// nodes want, a name that is no host name.
LocalPlan composeLocal(const ClusterPlan& plan, const std::string& agentProgram);

// Fills in the network namespace of endpoints that are reached by TCP.
void completeDescription(ClusterDescription& description, pid_t hub);

}  // namespace harness
