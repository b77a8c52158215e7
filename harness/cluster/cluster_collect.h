// ClusterCollect is the key `collect` of a cluster file: which files and which outputs of commands
// are taken from the nodes of a test that failed. No node is asked; harness/collect takes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/cluster/setting.h"

namespace harness {

struct ClusterPlan;

// What is taken from one node.
struct CollectWish {
  static constexpr uint64_t kBytesMaxDefault = uint64_t{64} << 20;
  static constexpr uint64_t kBytesMaxMost = uint64_t{4} << 30;

  // Are absolute paths, whose components may have *, ? and [...].
  std::vector<std::string> files = {};
  // The words of each. A line for a shell is `sh -c LINE`.
  std::vector<std::vector<std::string>> commands = {};
  // Bounds all of it together.
  uint64_t bytesMax = kBytesMaxDefault;

  bool empty() const { return files.empty() && commands.empty(); }
};

struct ClusterCollect {
  struct Part {
    std::vector<std::string> files = {};
    std::vector<std::vector<std::string>> commands = {};
    // 0 says nothing of it.
    uint64_t bytesMax = 0;
    // Are names; empty means all nodes of the cluster.
    std::vector<std::string> nodes = {};
  };

  // That of the file is the first.
  std::vector<Part> parts = {};
};

// Adds what the key of the file, or of a node set with the nodes `names`, says. Throws
// ClusterFileError.
void addCollect(const Setting& collect, const std::vector<std::string>& names, ClusterCollect& all);

// Returns what is taken from one node. The bound of a node set comes before that of the file.
CollectWish collectOn(const ClusterCollect& collect, const std::string& node);

// Says why a pattern of files cannot be taken. Empty: it can.
std::string collectFileProblem(const std::string& pattern);

// Reads "64MiB", "64M", "500 KiB" or a number of bytes. Throws std::invalid_argument with a text
// that says what would be right, also for none and for more than CollectWish::kBytesMaxMost.
uint64_t collectBytesFrom(const std::string& text);

}  // namespace harness
