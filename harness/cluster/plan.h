// What a cluster shall be: the content of a cluster file, checked, with every set expanded.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/cluster/description.h"

namespace harness {

enum class Init { kMinimal, kSystemd };

// How the harness reaches the agents of `local` nodes: the unix socket works whatever a test does
// to the network.
enum class Control { kUnix, kTcp };

struct NodePlan {
  std::string name;
  std::string role;
  std::map<std::string, std::string> labels;
  Init init = Init::kMinimal;  // `local` only.
  // Shell commands, run once as root when the node has started, in order.
  std::vector<std::string> boot;
  // Wanted on the shared network; empty: the provisioner chooses.
  std::vector<std::string> addresses;
  std::optional<Endpoint> endpoint;  // `static` only, and there required.
};

struct ClusterPlan {
  std::string name;
  std::string provisioner = "local";
  std::vector<NodePlan> nodes;
  Control control = Control::kUnix;  // `local` only.
  std::string origin;                // Path of the cluster file; empty: made by a program.
};

}  // namespace harness
