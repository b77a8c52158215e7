// LocalSettings holds the settings of a cluster file for nodes that are namespaces of this machine.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/kind_keys.h"

namespace harness {

enum class Init { kMinimal, kSystemd, kSysvinit };

// Returns the word of a cluster file.
const std::string& wordFor(Init init);

// The way in which the harness reaches the agents. The unix socket works whatever a test does to
// the network.
enum class Control { kUnix, kTcp };

struct LocalNodeSettings {
  Init init = Init::kMinimal;
  // Shell commands, run as root at every start of the node, in order.
  std::vector<std::string> boot;
  // Capabilities that the node keeps, of those that local nodes give up, such as "mknod".
  std::vector<std::string> capabilities;
  // The addresses on the shared network, from the file or chosen.
  std::vector<std::string> addresses;
};

struct LocalSettings {
  Control control = Control::kUnix;
  // In the order of the plan.
  std::vector<LocalNodeSettings> nodes;
};

KindKeys localKeys();

// Throws ClusterFileError for a plan that cannot be, such as one with an address outside of the
// shared network or for two nodes, a name that is no host name, or boot commands for a missing
// node.
LocalSettings readLocalSettings(const ClusterPlan& plan);

}  // namespace harness
