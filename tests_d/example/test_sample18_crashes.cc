// Sample 18: let a crash on a node fail the test, allow one, and expect one.
#include <csignal>

#include <muster/muster.h>

using namespace muster;

class CrashSample : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

  // Stands for a daemon that aborts when its disk is full.
  static Daemon startDaemon() {
    servers()[0].file("/tmp/full").remove();
    std::string script = "until [ -e /tmp/full ]; do sleep 0.02; done; kill -ABRT $$";
    return Daemon(servers()[0], {"sh", "-c", script});
  }
  static void fillDisk() { servers()[0].file("/tmp/full").write(""); }
};

TEST_F(CrashSample, LooksAtTheEndOfACommandItself) {
  EXPECT_THAT(servers()[0].shell("kill -SEGV $$"), Signalled(SIGSEGV));
}

TEST_F(CrashSample, SendsTheSignalItself) {
  Daemon daemon = startDaemon();
  EXPECT_THAT(daemon.kill(SIGSEGV), Signalled(SIGSEGV));
}

TEST_F(CrashSample, ProvokesACrashThatMustCome) {
  Daemon daemon = startDaemon();
  ExpectCrash expected({.program = "sh", .signal = SIGABRT, .reason = "the disk is full"}, 10s);
  fillDisk();
}
