// Tests on whose nodes something crashes or hangs, which the tests of this folder run and look at.
#include <csignal>

#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;

// Is killed by SIGABRT once the file is there.
const Argv kAborts = {"sh", "-c", "while ! [ -e /tmp/go ]; do sleep 0.02; done; kill -ABRT $$"};

// Leaves a core of its shell in its directory, and succeeds all the same.
const Argv kGrandchildDumps = {"sh", "-c", "ulimit -c unlimited; sh -c 'kill -SEGV $$'; exit 0"};

class CrashTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }

 protected:
  const Node& node() { return servers()[0]; }
  void TearDown() override { servers().run({"rm", "-rf", "/tmp/go", "/srv/work"}).checked(); }

  // Lets it go on to its end, without asking how that was.
  void letAbort(Daemon& daemon) {
    node().run({"touch", "/tmp/go"}).checked();
    awaitThat([&] { return daemon.running(); }, testing::IsFalse(), 10s, 20ms);
  }

  Result dumpInDirectory() {
    node().run({"mkdir", "-p", "/srv/work"}).checked();
    return node().run(kGrandchildDumps, {.directory = "/srv/work"});
  }
};

TEST_F(CrashTest, DaemonAborts) {
  Daemon daemon(node(), kAborts);
  letAbort(daemon);
}

TEST_F(CrashTest, DaemonAbortsAndIsWaitedFor) {
  Daemon daemon(node(), kAborts);
  letAbort(daemon);
  EXPECT_THAT(daemon.wait(10s), Signalled(SIGABRT));
}

TEST_F(CrashTest, NothingHappens) {
  EXPECT_THAT(node().run({"true"}), Succeeded());
}

TEST_F(CrashTest, CommandCrashesAndIsLookedAt) {
  EXPECT_THAT(node().shell("kill -SEGV $$"), Signalled(SIGSEGV));
  EXPECT_THAT(servers().run({"sh", "-c", "kill -SEGV $$"}), OnEachNode(Signalled(SIGSEGV)));
  Process waited = node().start({"sh", "-c", "kill -SEGV $$"});
  EXPECT_THAT(waited.wait(), Signalled(SIGSEGV));
}

TEST_F(CrashTest, ProcessCrashesAndNobodyWaits) {
  Process process = node().start({"sh", "-c", "kill -SEGV $$"});
  awaitThat([&] { return process.running(); }, testing::IsFalse(), 10s, 20ms);
}

TEST_F(CrashTest, TestSendsTheSignal) {
  Daemon daemon(node(), {"sleep", "60"});
  EXPECT_THAT(daemon.kill(SIGSEGV), Signalled(SIGSEGV));
  Daemon killed(node(), {"sleep", "60"});
  EXPECT_THAT(killed.kill(SIGKILL), Signalled(SIGKILL));
  // The signal goes to all, and the child leaves a core as well.
  Daemon parent(node(), {"sh", "-c", "echo up; sleep 60; true"},
                {.ready = Daemon::prints("up"), .cores = CoreFiles::kUnlimited});
  EXPECT_THAT(parent.kill(SIGSEGV), Signalled(SIGSEGV));
}

TEST_F(CrashTest, GrandchildLeavesACore) {
  EXPECT_THAT(dumpInDirectory(), Succeeded());
}

TEST_F(CrashTest, CrashIsAllowedInABlock) {
  AllowCrash allowed({.program = "sh", .signal = SIGSEGV, .reason = "it kills itself"});
  EXPECT_THAT(dumpInDirectory(), Succeeded());
}

TEST_F(CrashTest, CrashComesBehindTheBlock) {
  { AllowCrash allowed({.program = "sh", .reason = "it kills itself"}); }
  EXPECT_THAT(dumpInDirectory(), Succeeded());
}

TEST_F(CrashTest, CrashIsAllowedOnAnotherNode) {
  AllowCrash allowed({.program = "sh", .nodes = "server2", .reason = "it kills itself"});
  Daemon daemon(node(), kAborts);
  letAbort(daemon);
}

TEST_F(CrashTest, CrashIsExpectedAndComes) {
  Daemon daemon(node(), kAborts);
  ExpectCrash expected({.program = "sh", .signal = SIGABRT, .reason = "it aborts"}, 10s);
  node().run({"touch", "/tmp/go"}).checked();
}

TEST_F(CrashTest, CrashIsExpectedAndDoesNotCome) {
  ExpectCrash expected({.program = "kvd", .reason = "the disk is full"});
}

TEST_F(CrashTest, SanitizerReportsToStandardError) {
  std::string script =
      "echo '==1==ERROR: AddressSanitizer: heap-use-after-free' >&2; echo '  #0 in main' >&2";
  EXPECT_THAT(node().shell(script), Succeeded());
}

TEST_F(CrashTest, SanitizerReportsToAFile) {
  std::string script = "echo 'WARNING: ThreadSanitizer: data race' > /tmp/tsan.77";
  RunOptions options;
  options.environment = {{"TSAN_OPTIONS", "exitcode=0:log_path=/tmp/tsan"}};
  EXPECT_THAT(node().shell(script, options), Succeeded());
}

TEST_F(CrashTest, BadRulesAreRefused) {
  EXPECT_THAT([] { AllowCrash allowed({.program = "kvd"}); }, FailsWith(NodeError::Kind::kInvalid));
  EXPECT_THAT([] { ExpectCrash expected({.reason = "none"}); },
              FailsWith(NodeError::Kind::kInvalid));
}

class HangTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 2}}}; }
  static Logs logs() { return {.sources = {"/tmp/hang.log"}}; }
};

TEST_F(HangTest, WaitsForWhatDoesNotCome) {
  servers().run({"sh", "-c", "echo before it hangs >> /tmp/hang.log"}).checked();
  Process hanging = servers()[0].start({"sleep", "4711"});
  hanging.wait();
}

}  // namespace
