// Prints what many nodes answered, so that a person sees at once who differs.
#pragma once

#include <string>
#include <vector>

namespace harness {

struct NodeAnswer {
  std::string node;
  std::string output;
  std::string ending;  // How the command ended, if it did not succeed; or why there is no answer.
                       // Else empty.
};

// Nodes with the same output and ending in one block, headed by their set:
//   --- server[1-3]
//   --- client1: exited with status 2
std::string gathered(const std::vector<NodeAnswer>& answers);

// Every line with its node in front: "server1: text". An ending is a line of its own.
std::string prefixed(const std::vector<NodeAnswer>& answers);

}  // namespace harness
