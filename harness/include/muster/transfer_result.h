// Tells how much a push, a pull or a copy between nodes has moved.
//
//   TransferResult there = node.push("kvd.conf", "/etc/kvd.conf");
//   EXPECT_EQ(node.file("/etc/kvd.conf").digest(), there.digest);
//
// A transfer that did not succeed gives no such value: it throws NodeError. See Node::push.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace muster {

// Is a plain value that outlives its nodes.
struct TransferResult {
  // Counts the regular files that were written. Directories and links are not counted, nor are
  // further names of a file that is counted.
  uint64_t files = 0;

  // Adds up the sizes of these files.
  uint64_t bytes = 0;

  // Is the lower-case hexadecimal SHA-256 of a single file. It is empty for trees, and for a file
  // over 1 GiB that has holes: to compute it would take longer than the transfer, which compares
  // such files without it.
  std::string digest = {};

  // Counts the sockets, pipes and devices of a tree that the target may not make. That is no error.
  uint64_t leftOut = 0;

  // Count the members of a tree that the target had already, and those that were removed from it:
  // see sync_tree.h. Other transfers have none.
  uint64_t unchanged = 0;
  uint64_t deleted = 0;

  // Names what was left out, at most the first 100, each with its path in the tree and the reason.
  std::vector<std::string> leftOutFiles = {};
};

// Prints all fields for gtest.
void PrintTo(const TransferResult& transfer, std::ostream* out);

}  // namespace muster
