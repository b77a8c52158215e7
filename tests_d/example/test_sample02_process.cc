// Sample 2: run a command while the test goes on.
#include <muster/muster.h>

using namespace muster;

class ProcessSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

TEST_F(ProcessSample, TalksToItsInputAndOutput) {
  Process bc = servers()[0].start({"sed", "-u", "s/^/got: /"});
  bc.write("one\n");
  EXPECT_EQ(bc.readLine(5s), "got: one");
  bc.write("two\n");
  bc.closeInput();
  EXPECT_THAT(bc.wait(), AllOf(Succeeded(), StdoutIs("got: one\ngot: two\n")));
}

TEST_F(ProcessSample, SignalsReachIt) {
  Process sleeper = servers()[0].start({"sleep", "60"});
  sleeper.signal(SIGUSR1);
  EXPECT_THAT(sleeper.wait(), Signalled(SIGUSR1));
}

// A Process belongs to its scope, whose end also ends the process and everything that it started.
TEST_F(ProcessSample, EndsWithItsScope) {
  Node& node = servers()[0];
  int pid = 0;
  {
    Process sleeper = node.start({"sleep", "60"});
    pid = sleeper.pid();
  }
  EXPECT_THAT(node, Eventually(Runs({"kill", "-0", std::to_string(pid)}, ExitedWith(1)), 5s));
}
