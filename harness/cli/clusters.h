// Which cluster and which nodes a command means.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/description.h"
#include "harness/cluster/plan.h"

namespace harness {

// True if `text` names a file and not a cluster: it has a slash, or ends with .yaml or .yml.
bool looksLikeFile(const std::string& text);

// Reads the file. CommandError with kExitNoInput if there is none, ClusterFileError if it is wrong.
ClusterPlan readPlan(const std::string& path);

// The cluster that `choice` names, else $MUSTER_CLUSTER, else the only one that is up. CommandError
// with kExitUnavailable if there is none, or more than one to choose from.
ClusterDescription chooseCluster(const std::string& choice);

// The nodes that `set` means, in the order of the cluster; at least one. CommandError with
// kExitData.
std::vector<NodeDescription> chooseNodes(const ClusterDescription& cluster, const std::string& set);

// The name of the local cluster that `choice` means by the same rule, whether it is up or not.
// Empty: there is none.
std::string chooseLocalName(const std::string& choice);

// "server[1-3],client1"
std::string nodeNames(const ClusterPlan& plan);

// Throws CommandError with kExitNoPermission unless we are root, the owner of all local clusters.
void requireRoot();

}  // namespace harness
