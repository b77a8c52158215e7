// Sample 11: cut the network between nodes, and see it heal.
#include <muster/muster.h>

using namespace muster;
using namespace std::chrono_literals;

class FaultSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 3}}}; }

  static Argv pingOf(const Node& node) { return {"ping", "-c", "1", "-W", "1", node.address()}; }
};

// The cut is healed at the end of its scope, whether or not the expectations held.
TEST_F(FaultSample, IsolatedServerIsAlone) {
  Node& victim = servers()[0];
  {
    Fault cut = cluster().isolate(victim);
    EXPECT_THAT(victim.run(pingOf(servers()[1])), Not(Succeeded()));
    EXPECT_THAT(servers()[1].run(pingOf(servers()[2])), Succeeded());
  }
  EXPECT_THAT(victim.run(pingOf(servers()[1])), Succeeded());
}

TEST_F(FaultSample, HalvesOfASplitClusterDoNotMeet) {
  Fault split = cluster().partition({{servers()[0], servers()[1]}, {servers()[2]}});
  EXPECT_THAT(servers()[0].run(pingOf(servers()[2])), Not(Succeeded()));
  split.heal();
  EXPECT_THAT(servers()[0].run(pingOf(servers()[2])), Succeeded());
}

// One packet in three is lost, in both directions.
TEST_F(FaultSample, LossyWayStillWorks) {
  Fault lossy = cluster().partition({{servers()[0]}, {servers()[1]}}, {.loss = 0.33});
  EXPECT_THAT(servers()[0], Eventually(Runs(pingOf(servers()[1])), 30s));
}

// Delays are in the kernel's netem, or else in a relay of the agent.
class LateSample : public FaultSample {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}, .abilities = {NodeAbility::kDelays}}; }
};

TEST_F(LateSample, LateServerAnswersLater) {
  Fault late = cluster().degrade(servers()[0], {.delay = 200ms, .jitter = 20ms});
  Result ping = servers()[1].run(pingOf(servers()[0]));
  EXPECT_THAT(ping.out, testing::ContainsRegex("time=(1[89][0-9]|[2-9][0-9][0-9])"));
}
