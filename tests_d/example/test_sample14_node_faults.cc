// Sample 14: take something away from a node, and give it back.
#include <csignal>

#include <muster/muster.h>

using namespace muster;
using namespace std::chrono_literals;

class NodeFaultSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

// A daemon that stands still answers nobody, and goes on with what it had.
TEST_F(NodeFaultSample, PausedDaemonGoesOn) {
  Node& victim = servers()[0];
  Process counter = victim.start({"sh", "-c", "while echo tick; do sleep 0.1; done"});
  counter.readUntil("tick", 10s);
  {
    Fault paused = cluster().faultsOn(victim).pause(processWithPid(counter.pid()));
    EXPECT_EQ(victim.output({"ps", "-o", "state=", "-p", std::to_string(counter.pid())}), "T\n");
  }
  EXPECT_THAT(victim.run({"ps", "-o", "state=", "-p", std::to_string(counter.pid())}),
              Not(StdoutIs("T\n")));
}

// What is killed stays so until somebody starts it again.
TEST_F(NodeFaultSample, KilledDaemonIsTold) {
  Node& victim = servers()[0];
  Process sleeper = victim.start({"sleep", "1000"});
  EXPECT_THAT(victim, Eventually(Runs({"pgrep", "-x", "sleep"}), 10s));
  cluster().faultsOn(victim).kill(processesNamed("sleep"));
  EXPECT_THAT(sleeper.wait(), Signalled(SIGKILL));
}

TEST_F(NodeFaultSample, FullDiskIsReported) {
  Node& victim = servers()[0];
  victim.run({"sh", "-c", "mkdir -p /run/data && mount -t tmpfs -o size=16m data /run/data"});
  {
    Fault full = cluster().faultsOn(victim).fillDisk("/run/data");
    EXPECT_THAT(victim.run({"dd", "if=/dev/zero", "of=/run/data/x", "count=100"}),
                StderrHas("No space left on device"));
  }
  EXPECT_THAT(victim.run({"umount", "/run/data"}), Succeeded());
}
