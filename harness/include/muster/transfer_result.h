// The amount that a push, a pull or a copy between nodes has moved.
#pragma once

#include <cstdint>
#include <string>

namespace muster {

struct TransferResult {
  uint64_t files = 0;
  uint64_t bytes = 0;

  // Hexadecimal SHA-256 of a single file. Empty for trees.
  std::string digest;

  // Sockets, pipes and devices of a tree, which are not copied.
  uint64_t leftOut = 0;
};

}  // namespace muster
