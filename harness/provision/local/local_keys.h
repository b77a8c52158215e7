// LocalSettings holds the settings of a cluster file for nodes that are namespaces of this machine.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/kind_keys.h"

namespace harness {

enum class Init { kMinimal, kSystemd };

// How the harness reaches the agents: the unix socket works whatever a test does to the network.
enum class Control { kUnix, kTcp };

struct LocalNodeSettings {
  Init init = Init::kMinimal;
  // Shell commands, run once as root when the node has started, in order.
  std::vector<std::string> boot;
  // On the shared network: those of the file, or chosen.
  std::vector<std::string> addresses;
};

struct LocalSettings {
  Control control = Control::kUnix;
  // In the order of the plan.
  std::vector<LocalNodeSettings> nodes;
};

KindKeys localKeys();

// Throws ClusterFileError for a plan that cannot be: an address outside of the shared network, one
// that two nodes want, a name that is no host name, boot commands for a node that is not there.
LocalSettings readLocalSettings(const ClusterPlan& plan);

}  // namespace harness
