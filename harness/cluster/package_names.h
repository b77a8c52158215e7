// Says which names of packages are asked for, in a cluster file and in tests. No node is asked.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/setting.h"

namespace harness {

// The most packages of a cluster file or a program.
inline constexpr size_t kPackagesMax = 64;

// Says what is wrong with the name of a package. Empty: nothing.
std::string packageNameProblem(const std::string& name);

// Reads a list of names. Throws ClusterFileError.
std::vector<std::string> packagesOf(const Setting& packages);

}  // namespace harness
