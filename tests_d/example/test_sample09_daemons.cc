// Sample 9: start a daemon, kill it, and start it again.
#include <muster/muster.h>

using namespace muster;

class DaemonSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }
};

// Writes a heartbeat until it is ended, and begins where it stood.
constexpr char kCounter[] =
    "n=$(cat /root/count 2>/dev/null || echo 0); echo \"begin at $n\"; "
    "while :; do n=$((n+1)); echo $n > /root/count; sleep 0.1; done";

// The start returns when the daemon is ready, and fails with its last lines if it does not get so
// far. The end of the scope ends it.
TEST_F(DaemonSample, GoesOnWhereItWasKilled) {
  Node& node = servers()[0];
  Daemon counter(node, {"sh", "-c", kCounter}, {.ready = Daemon::prints("begin at")});
  awaitUntil([&] { return node.file("/root/count").exists(); }, 5s);
  EXPECT_THAT(counter.kill(), Signalled(SIGKILL));
  EXPECT_FALSE(counter.running());
  node.file("/root/count").write("41\n");
  counter.restart();
  EXPECT_EQ(counter.process().readLine(5s), "begin at 41");
}

TEST_F(DaemonSample, ComesBackWithItsNode) {
  Node& node = servers()[0];
  node.file("/root/count").write("7\n", {.sync = true});
  Daemon counter(node, {"sh", "-c", kCounter},
                 {.ready = Daemon::prints("begin at"), .afterPowerOn = AfterPowerOn::kStartsAgain});
  cluster().powerOff(node);
  cluster().powerOn(node);
  EXPECT_TRUE(counter.running());
}
