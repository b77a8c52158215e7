// Takes files and the outputs of commands from nodes into a directory here, within bounds of bytes
// and time: for a test that failed, and by hand.
//
//   DIRECTORY/NODE/files/var/log/kvd.log    a file, under its path on the node
//   DIRECTORY/NODE/commands/01-ss.txt       what a command printed, and how it ended
//   DIRECTORY/NODE/collected.txt            what was taken, cut and not to be had
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/cluster/cluster_collect.h"
#include "harness/rpc/controller_node.h"

namespace harness {

// A node that cannot be reached holds up nothing beyond this.
inline constexpr std::chrono::seconds kCollectReachMax{5};

// One command that does not end is killed after this.
inline constexpr std::chrono::seconds kCollectCommandMax{15};

struct CollectFrom {
  // Outlives the call.
  ControllerNode* node;
  CollectWish wish;
};

struct Collected {
  std::string node;
  // False: nothing was taken.
  bool isReached = false;
  uint64_t bytes = 0;
  size_t files = 0;
  // Counts the commands whose output was taken.
  size_t outputs = 0;
  // Says what was cut and what failed, each with its reason. Empty: everything is there.
  std::vector<std::string> gaps;
};

// Takes what is wished from all nodes at once, and answers at `until` at the latest with what came
// so far. The bytes of a node that are too many are those of its largest files, of which the ends
// are taken: all get an equal share of what the smaller ones leave. Never throws; errors are gaps.
std::vector<Collected> collectFrom(const std::vector<CollectFrom>& all,
                                   const std::string& directory, SteadyTime until) noexcept;

// Returns "server1: 2 files and 1 output, 3100 bytes; 2 gaps".
std::string toString(const Collected& collected);

}  // namespace harness
