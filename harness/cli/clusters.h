// These functions find the cluster and the nodes that a command line means.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/description.h"
#include "harness/cluster/plan.h"

namespace harness {

// Reads the plan of a cluster file. CommandError with kExitNoInput if it cannot be read,
// ClusterFileError if it is wrong.
ClusterPlan planOf(const std::string& path);

// Returns the cluster that `option` names, else $MUSTER_CLUSTER, else the only one that is up.
// ChoiceError if there is none. Nodes of a file that exist without being made are described by the
// file.
ClusterDescription clusterOf(const std::string& option);

// Returns what the file of that cluster asks for beside its nodes.
ClusterWishes wishesOf(const std::string& option);

// Returns why the cluster `name`, which clusterOf(option) returned, is there no more; empty if it
// is, or if that cannot be told.
std::string whyGone(const std::string& option, const std::string& name);

// Returns the nodes that `set` means, in the order of the cluster; at least one. CommandError with
// kExitData.
std::vector<NodeDescription> chooseNodes(const ClusterDescription& cluster, const std::string& set);

// "server[1-3],client1"
std::string nodeNames(const ClusterPlan& plan);

}  // namespace harness
