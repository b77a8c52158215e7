#include "harness/cli/grouped_output.h"

#include <algorithm>

#include "harness/cluster/node_expression.h"

namespace harness {

void showGathered(const std::vector<NodeAnswer>& answers, const ByteSink& sink) {
  struct Block {
    const NodeAnswer* first;
    std::vector<std::string> nodes;
  };
  std::vector<Block> blocks;
  for (const NodeAnswer& answer : answers) {
    auto same = std::find_if(blocks.begin(), blocks.end(), [&answer](const Block& block) {
      return block.first->ending == answer.ending && block.first->output == answer.output;
    });
    if (same == blocks.end()) same = blocks.insert(blocks.end(), Block{&answer, {}});
    same->nodes.push_back(answer.node);
  }
  for (const Block& block : blocks) {
    const std::string& ending = block.first->ending;
    sink("--- " + foldNodeNames(block.nodes) + (ending.empty() ? "" : ": " + ending) + "\n");
    block.first->output.give(sink);
    if (block.first->output.size() > 0 && block.first->output.last() != '\n') sink("\n");
  }
}

void showPrefixed(const std::vector<NodeAnswer>& answers, const ByteSink& sink) {
  for (const NodeAnswer& answer : answers) {
    bool beginsLine = true;
    answer.output.give([&](std::string_view part) {
      std::string text;
      while (!part.empty()) {
        if (beginsLine) text += answer.node + ": ";
        size_t end = std::min(part.find('\n'), part.size() - 1) + 1;
        text += part.substr(0, end);
        beginsLine = part[end - 1] == '\n';
        part.remove_prefix(end);
      }
      sink(text);
    });
    if (!beginsLine) sink("\n");
    if (!answer.ending.empty()) sink(answer.node + ": (" + answer.ending + ")\n");
  }
}

}  // namespace harness
