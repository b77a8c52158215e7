// Sample 21: scripts on the nodes and the test wait for each other.
#include <muster/muster.h>

using namespace muster;
using namespace std::chrono_literals;

class EventSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }
};

// What one node tells releases a script on another.
TEST_F(EventSample, ReaderWaitsForTheWriter) {
  Process reader = servers()[1].start({"sh", "-c", "nodeagent wait written --timeout 10s"});
  EXPECT_THAT(servers()[0].shell("nodeagent notify written path=/srv/a"), Succeeded());
  EXPECT_THAT(reader.wait(10s), Prints("path=/srv/a"));
  EXPECT_EQ(cluster().event("written").wait(10s).data["path"], "/srv/a");
}

// Three loads begin at the same moment, when the test says so.
TEST_F(EventSample, LoadsBeginTogether) {
  std::vector<Process> loads;
  for (Node& node : servers()) {
    loads.push_back(node.start({"sh", "-c", "nodeagent barrier start --timeout 20s; date +%s%N"}));
  }
  Barrier start = cluster().barrier("start", servers());
  start.wait(20s);
  for (Process& load : loads) EXPECT_THAT(load.wait(10s), Succeeded());
}

// A command that ends before it comes breaks the barrier: all others are told which one it was.
TEST_F(EventSample, DeadParticipantIsNamed) {
  Process waiter = servers()[0].start({"nodeagent", "barrier", "end", "--timeout", "30s"});
  Process victim = servers()[1].start({"sh", "-c", "echo no disk; sleep 0.5; exit 1"});
  Barrier end = cluster().barrier("end", {waiter, victim});
  EXPECT_THAT([&] { end.wait(30s); },
              FailsWith(NodeError::Kind::kCommandFailed, testing::HasSubstr("no disk")));
  EXPECT_THAT(waiter.wait(10s), Not(Succeeded()));
}
