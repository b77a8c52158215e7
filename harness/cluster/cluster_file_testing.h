// What the tests of the keys of cluster files share.
#pragma once

#include <string>

#include "harness/cluster/cluster_file.h"

namespace harness {

// Reads a file whose provisioner has no keys of its own.
inline ClusterPlan planOf(const std::string& text) {
  static const KindKeys kRack = {.name = "rack", .check = [](const ClusterPlan&) {}};
  return parseClusterFile(text, "f.yaml", {.known = {&kRack}});
}

}  // namespace harness
