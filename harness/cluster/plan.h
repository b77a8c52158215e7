// The plan of a cluster, which is the content of a cluster file, checked, with every set expanded.
//
// Names, roles and labels are the same for every provisioner. All else in a file is the kind's own,
// and is kept as settings, whose places the kind's errors name.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/cluster/cluster_wishes.h"
#include "harness/cluster/setting.h"

namespace harness {

struct NodePlan {
  std::string name;
  std::string role;
  std::map<std::string, std::string> labels;
  // By key, of the kind's nodeKeys.
  Settings settings;
  // The set of the file that the node is from, for errors about its name.
  Setting set;
};

struct ClusterPlan {
  std::string name;
  // Name of the kind that makes it.
  std::string provisioner;
  std::vector<NodePlan> nodes;
  // They are no part of the nodes.
  ClusterWishes wishes;
  // By key, of the kind's clusterKeys.
  Settings settings;
  // Path of the cluster file; empty: made by a program.
  std::string origin;
};

}  // namespace harness
