// Prints the answers of many nodes so that a person sees at once which nodes differ.
#pragma once

#include <string>
#include <vector>

#include "harness/cli/spooled_output.h"

namespace harness {

struct NodeAnswer {
  std::string node;
  SpooledOutput output;
  // Empty if the command succeeded; else how it ended, or why there is no answer.
  std::string ending;
};

// Shows nodes with the same output and ending in one block, below their set:
//   --- server[1-3]
//   --- client1: exited with status 2
void showGathered(const std::vector<NodeAnswer>& answers, const ByteSink& sink);

// Begins every line with its node: "server1: text". An ending is a line of its own.
void showPrefixed(const std::vector<NodeAnswer>& answers, const ByteSink& sink);

}  // namespace harness
