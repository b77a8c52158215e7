// Reads the keys "boot" of cluster files, by which nodes run commands at each of their starts.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/plan.h"

namespace harness {

inline constexpr char kBootKey[] = "boot";

// Check the key of a node set, which is a list of commands, and that of the file, which is a map of
// node sets to such lists. Throw ClusterFileError.
void checkBoot(const Setting& boot);
void checkBootSets(const Setting& boot);

// Returns the commands of each node, in the order of the plan: its own, and then those of the
// file's sets that it is in. Throws ClusterFileError for a set with a node that there is not.
std::vector<std::vector<std::string>> bootCommands(const ClusterPlan& plan);

}  // namespace harness
