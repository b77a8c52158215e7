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

namespace muster {

// Is a plain value that outlives its nodes.
struct TransferResult {
  // Counts the regular files that were written. Directories and links are not counted.
  uint64_t files = 0;

  // Adds up the sizes of these files.
  uint64_t bytes = 0;

  // Is the lower-case hexadecimal SHA-256 of a single file. It is empty for trees.
  std::string digest;

  // Counts the sockets, pipes and devices of a tree, which are not copied. That is no error.
  uint64_t leftOut = 0;
};

// Prints all fields for gtest.
void PrintTo(const TransferResult& transfer, std::ostream* out);

}  // namespace muster
