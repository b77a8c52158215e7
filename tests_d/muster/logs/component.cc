#include "component.h"

namespace logs_tests {

using namespace muster;

namespace {

// The outcome of pkill itself cannot be known, because the connection may be lost with it.
void killMatching(const Node& node, const std::string& pattern) {
  uint32_t before = node.state().reconnects;
  node.run({"pkill", "-KILL", "-f", "--", pattern});
  awaitThat([&] { return node.state().reconnects; }, testing::Gt(before), 20s, 20ms);
}

}  // namespace

void append(const Node& node, const std::string& path, const std::string& line) {
  node.run({"sh", "-c", "echo \"$1\" >> \"$2\"", "sh", line, path}).checked();
}

void killFront(const Node& node) {
  killMatching(node, "--role=front");
}

void killKeeper(const Node& node) {
  killMatching(node, "--role=all");
}

std::vector<std::string> textsOf(const LogSlice& slice) {
  std::vector<std::string> texts;
  for (const LogLine& line : slice.lines) texts.push_back(line.text);
  return texts;
}

}  // namespace logs_tests
