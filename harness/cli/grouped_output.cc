#include "harness/cli/grouped_output.h"

#include <algorithm>

#include "harness/cluster/node_expression.h"

namespace harness {

std::string gathered(const std::vector<NodeAnswer>& answers) {
  struct Block {
    const NodeAnswer* first;
    std::vector<std::string> nodes;
  };
  std::vector<Block> blocks;
  for (const NodeAnswer& answer : answers) {
    auto same = std::find_if(blocks.begin(), blocks.end(), [&answer](const Block& block) {
      return block.first->output == answer.output && block.first->ending == answer.ending;
    });
    if (same == blocks.end()) same = blocks.insert(blocks.end(), Block{&answer, {}});
    same->nodes.push_back(answer.node);
  }
  std::string text;
  for (const Block& block : blocks) {
    const std::string& ending = block.first->ending;
    text += "--- " + foldNodeNames(block.nodes) + (ending.empty() ? "" : ": " + ending) + "\n";
    text += block.first->output;
    if (!block.first->output.empty() && block.first->output.back() != '\n') text += "\n";
  }
  return text;
}

std::string prefixed(const std::vector<NodeAnswer>& answers) {
  std::string text;
  for (const NodeAnswer& answer : answers) {
    for (size_t start = 0; start < answer.output.size();) {
      size_t end = std::min(answer.output.find('\n', start), answer.output.size());
      text += answer.node + ": " + answer.output.substr(start, end - start) + "\n";
      start = end + 1;
    }
    if (!answer.ending.empty()) text += answer.node + ": (" + answer.ending + ")\n";
  }
  return text;
}

}  // namespace harness
