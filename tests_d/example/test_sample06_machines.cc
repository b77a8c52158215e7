// Sample 6: disturb whole machines, and check that work goes on.
#include <muster/muster.h>

using namespace muster;

class MachineSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }
};

// A frozen node stands still with everything on it. It goes on at the end of the scope, also if an
// expectation fails.
TEST_F(MachineSample, FrozenNodeStandsStill) {
  Node& server = servers()[0];
  Process counter = server.start({"sh", "-c", "sleep 1; echo done"});
  {
    Frozen frozen = cluster().freeze(server);
    EXPECT_THAT(servers()[1].run({"ping", "-c", "1", "-W", "1", server.name()}), Succeeded())
        << "its kernel still answers";
  }
  EXPECT_THAT(counter.wait(), StdoutIs("done\n"));
}

// Commands that ran on a node that lost power are reported as lost. The node keeps its disks.
TEST_F(MachineSample, PowerCutLosesProcessesAndKeepsFiles) {
  Node& server = servers()[1];
  server.file("/root/kept").write("on disk", {.sync = true});
  Process sleeper = server.start({"sleep", "60"});
  cluster().powerOff(server);
  cluster().powerOn(server);
  EXPECT_THAT(sleeper.wait(), Lost());
  EXPECT_EQ(server.file("/root/kept").read(), "on disk");
}
