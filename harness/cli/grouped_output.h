// Prints the answers of many nodes so that a person sees at once which nodes differ.
#pragma once

#include <string>
#include <vector>

namespace harness {

struct NodeAnswer {
  std::string node;
  std::string output;
  // Empty if the command succeeded; else how it ended, or why there is no answer.
  std::string ending;
};

// Shows nodes with the same output and ending in one block, below their set:
//   --- server[1-3]
//   --- client1: exited with status 2
std::string gathered(const std::vector<NodeAnswer>& answers);

// Begins every line with its node: "server1: text". An ending is a line of its own.
std::string prefixed(const std::vector<NodeAnswer>& answers);

}  // namespace harness
