// ClusterWishes is what a cluster file asks for beside its nodes: what every test on them watches,
// what is taken from them when one fails, and which packages are tested. It may change while the
// cluster is up.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "harness/cluster/cluster_collect.h"
#include "harness/cluster/cluster_logs.h"

namespace harness {

struct ClusterWishes {
  ClusterLogs logs = {};
  ClusterCollect collect = {};

  // The packages whose versions are those of the tested product, beside those that the tests name.
  std::vector<std::string> packages = {};
};

// Hand them from one process to another.
nlohmann::json toJson(const ClusterWishes& wishes);

// Throws std::invalid_argument for JSON that toJson did not make. Null means none, which a cluster
// that an older release has made has.
ClusterWishes wishesFromJson(const nlohmann::json& json);

}  // namespace harness
