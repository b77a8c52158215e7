// What runs and is set up on a node at one moment. This header has values only.
#pragma once

#include <compare>
#include <string>
#include <vector>

namespace harness {

struct SnapshotItem {
  // A word such as "process" or "mount".
  std::string kind;

  // Bytes of the node, such as "cat (pid 4711)".
  std::string what;

  auto operator<=>(const SnapshotItem&) const = default;
};

using Snapshot = std::vector<SnapshotItem>;

}  // namespace harness
