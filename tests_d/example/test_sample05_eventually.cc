// Sample 5: wait for a condition with a bound, and never for a time that is "long enough".
#include <muster/muster.h>

using namespace muster;

class EventuallySample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

// The matcher succeeds at the first look that matches. When its time is over, it reports the last
// look and how many there were.
TEST_F(EventuallySample, LooksUntilItMatches) {
  Process writer = servers()[0].start({"sh", "-c", "sleep 0.3; echo ready > /run/state"});
  EXPECT_THAT(servers()[0], Eventually(Runs({"cat", "/run/state"}, Prints("ready")), 5s));
}

// Helpers and set-ups wait outside of expectations, and get what they waited for.
TEST_F(EventuallySample, GivesWhatWasWaitedFor) {
  Node& node = servers()[0];
  Process writer = node.start({"sh", "-c", "sleep 0.3; echo 3 > /run/peers"});
  Result peers = awaitUntil([&] { return node.run({"cat", "/run/peers"}); }, 5s);
  EXPECT_EQ(peers.line(), "3");
  Process counter = node.start({"sh", "-c", "for i in 1 2 3; do echo $i >> /run/steps; done"});
  awaitThat([&] { return node.file("/run/steps").read(); }, "1\n2\n3\n", 5s);
}

// The looks can be any callable.
TEST_F(EventuallySample, LooksAtValuesToo) {
  Process writer = servers()[0].start({"sh", "-c", "sleep 0.3; touch /run/flag"});
  EXPECT_THAT([] { return servers()[0].file("/run/flag").exists(); },
              Eventually(testing::IsTrue(), 5s));
}
