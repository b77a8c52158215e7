#include "component.h"

#include <string>

namespace sync_tests {

using namespace muster;

namespace {

// Kills the processes with `pattern` in their command line, and waits for the reconnect. The
// outcome of pkill itself cannot be known, because the connection may be lost with it.
void killMatching(const Node& node, const std::string& pattern) {
  uint32_t before = node.state().reconnects;
  node.run({"pkill", "-KILL", "-f", "--", pattern});
  awaitThat([&] { return node.state().reconnects; }, testing::Gt(before), 20s, 20ms);
}

}  // namespace

void killFront(const Node& node) {
  killMatching(node, "--role=front");
}

void killKeeper(const Node& node) {
  killMatching(node, "--role=all");
}

RunOptions asNobody() {
  RunOptions options;
  options.user = "nobody";
  return options;
}

void awaitWaiting(const Node& node, size_t count) {
  std::string name = "node " + node.name() + ": ";
  auto waiting = [&] {
    try {
      ClusterTest::cluster().event("no-such-event").wait(5ms);
    } catch (const NodeError& error) {
      size_t found = 0;
      std::string text = error.detail();
      for (size_t at = text.find("; waiting: "); at != std::string::npos; ++found) {
        at = text.find(name, at + 1);
        if (at == std::string::npos) return found;
      }
    }
    return size_t{0};
  };
  awaitThat(waiting, count, 10s, 5ms);
}

}  // namespace sync_tests
