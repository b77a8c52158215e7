// Work on a node is never lost silently, and never done twice.
#include <muster/muster.h>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::Eq;

class ReconnectTest : public ClusterTest {
 protected:
  Node& node() { return servers()[0]; }
};

// The output goes on at the exact byte over the next connection.
TEST_F(ReconnectTest, KilledFrontLosesNothing) {
  Process counter = node().start({"sh", "-c", "for i in $(seq 200); do echo $i; sleep 0.01; done"});
  counter.readUntil("20", 10s);
  agent_tests::killFront(node());
  Result result = counter.wait(30s);
  EXPECT_THAT(result, Succeeded());
  auto lines = result.lines();
  ASSERT_EQ(lines.size(), 200u);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(lines[static_cast<size_t>(i)], std::to_string(i + 1));
}

// The kernel takes the IPv6 addresses of a link that goes down, and people take others.
TEST_F(ReconnectTest, FrontListensAgainAfterItsLinkWasDown) {
  EXPECT_THAT(node().shell("ip link set eth0 down && ip link set eth0 up"), Succeeded());
  agent_tests::killFront(node());
  EXPECT_THAT(node().run({"echo", "again"}), Prints("again"));
}

TEST_F(ReconnectTest, FrontListensAgainThoughItsAddressesAreGone) {
  EXPECT_THAT(node().shell("ip addr save dev eth0 > /tmp/addresses && ip addr flush dev eth0"),
              Succeeded());
  agent_tests::killFront(node());
  EXPECT_THAT(node().shell("ip addr restore < /tmp/addresses"), Succeeded());
}

// A call that is sent again after a lost connection must find its first execution.
TEST_F(ReconnectTest, FrontKilledAgainAndAgainNeverRunsACommandTwice) {
  node().file("/tmp/front").remove();
  for (int round = 1; round <= 5; ++round) {
    Process killer = node().start({"pkill", "-KILL", "-f", "--", "--role=front"});
    EXPECT_THAT(node().shell("echo x >> /tmp/front"), Succeeded());
    EXPECT_EQ(agent_tests::countLines(node(), "/tmp/front", "x"), static_cast<size_t>(round));
  }
}

// The next agent cannot know how the command ended. It ends the rest of it and says "lost".
TEST_F(ReconnectTest, CommandOfAKilledAgentIsLostAndNotRunAgain) {
  node().file("/tmp/agent").remove();
  Process appender =
      node().start({"sh", "-c", "echo x >> /tmp/agent; sleep 60; echo x >> /tmp/agent"});
  EXPECT_THAT([&] { return agent_tests::countLines(node(), "/tmp/agent", "x"); },
              Eventually(Eq(1u), 10s));
  agent_tests::killAgent(node());
  EXPECT_THAT(appender.wait(20s), Lost(LostReason::kKeeperRestarted));
  EXPECT_EQ(agent_tests::countLines(node(), "/tmp/agent", "x"), 1u);
  EXPECT_THAT(node(), Eventually(Runs({"pgrep", "-f", "sleep 60"}, ExitedWith(1)), 10s));
}

// Another process than the agent reads what a detached command writes.
TEST_F(ReconnectTest, DetachedCommandKeepsTheOrderOfItsStreams) {
  Process process =
      node().start({"sh", "-c", "echo one >&2; read line; echo two; read line; echo three >&2"},
                   {.deadline = 60s, .lifetime = CommandLifetime::kDetached});
  EXPECT_THAT([&] { return process.errors(); }, Eventually(Eq("one\n"), 10s));
  process.write("\n");
  EXPECT_THAT([&] { return process.output(); }, Eventually(Eq("two\n"), 10s));
  agent_tests::killKeeper(node());
  process.write("\n");
  Result result = process.wait(20s);
  EXPECT_THAT(result, Succeeded());
  EXPECT_EQ(result.merged(), "one\ntwo\nthree\n");
}

TEST_F(ReconnectTest, CommandsGoOnAfterTheAgentWasKilled) {
  agent_tests::killAgent(node());
  EXPECT_THAT(node().run({"echo", "again"}), Prints("again"));
  EXPECT_TRUE(node().state().connected());
}

}  // namespace
