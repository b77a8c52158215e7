#include "component.h"

#include <algorithm>

namespace agent_tests {

using namespace muster;
using namespace std::chrono_literals;

namespace {

// Kills every process with `pattern` in its command line, and waits for the reconnect. The outcome
// of pkill itself cannot be known, because the connection may be lost with it.
void killMatching(const Node& node, const std::string& pattern) {
  uint32_t before = node.state().reconnects;
  node.run({"pkill", "-KILL", "-f", "--", pattern});
  EXPECT_THAT([&] { return node.state().reconnects; }, Eventually(testing::Gt(before), 20s, 20ms));
}

}  // namespace

void killFront(const Node& node) {
  killMatching(node, "--role=front");
}

void killAgent(const Node& node) {
  // Process 1 of a bare node matches too, but the kernel protects it.
  killMatching(node, "nodeagent");
}

void killKeeper(const Node& node) {
  killMatching(node, "--role=all");
}

size_t countLines(const Node& node, const std::string& path, const std::string& line) {
  if (!node.file(path).exists()) return 0;
  Result result;
  result.out = node.file(path).read();
  auto lines = result.lines();
  return static_cast<size_t>(std::count(lines.begin(), lines.end(), line));
}

}  // namespace agent_tests
