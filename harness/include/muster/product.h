// Names the packages that the tests of a program are about, so that the record of a run, its
// reports and waivers have the versions that were tested.
//
//   MUSTER_PACKAGES("glusterfs-server", "glusterfs-client");
//
// Things to get right:
//   * It stands in a source file of the tests, outside of functions, once a file. A file that is
//     linked from a library may be left out with all that it names.
//   * It installs nothing, and a package that a node has not is no failure.
//   * `packages` of the cluster file adds others (docs/reference/cluster-file.md).
#pragma once

#include <string>
#include <vector>

namespace muster::internal {

// Takes names down. Its objects are made before main.
struct TestedPackages {
  TestedPackages(const char* file, int line, std::vector<std::string> names);
};

}  // namespace muster::internal

#define MUSTER_PACKAGES(...) \
  static const ::muster::internal::TestedPackages muster_packages(__FILE__, __LINE__, {__VA_ARGS__})
