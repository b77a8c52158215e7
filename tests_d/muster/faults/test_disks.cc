// Directories whose files are slow, failing or forgetful, and what is left of that.
#include <chrono>
#include <string>

#include <muster/muster.h>

#include "component.h"

namespace {

using namespace std::chrono_literals;
using namespace muster;
using testing::HasSubstr;

constexpr auto kInvalid = NodeError::Kind::kInvalid;
constexpr auto kDenied = NodeError::Kind::kDenied;

class DiskFaultTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

 protected:
  Node& a() { return servers()[0]; }
  NodeFaults faults() { return cluster().faultsOn(a()); }

  void SetUp() override {
    ASSERT_THAT(a().run({"sh", "-c", "mkdir -p /run/kept/below && echo old > /run/kept/old"}),
                Succeeded());
    mountsBefore_ = mounts();
  }

  void TearDown() override {
    EXPECT_EQ(mounts(), mountsBefore_);
    EXPECT_THAT([&] { return layers(); }, Eventually(std::string(), 10s));
    a().run({"rm", "-rf", "/run/kept"});
  }

  Result sh(const std::string& script) { return a().run({"sh", "-c", script}); }
  std::string mounts() { return a().output({"cat", "/proc/self/mountinfo"}); }
  std::string layers() { return a().run({"pgrep", "-f", "--", "nodeagent --disk-layer"}).out; }

  // Seconds that a script takes on the node.
  double secondsOf(const std::string& script) {
    auto since = std::chrono::steady_clock::now();
    EXPECT_THAT(sh(script), Succeeded());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
  }

  std::string mountsBefore_;
};

TEST_F(DiskFaultTest, FilesBehaveAsBeforeBelowALayer) {
  Fault slow = faults().disturbDisk("/run/kept", {.delay = 1ms});
  EXPECT_THAT(
      sh("cd /run/kept && cat old && echo new > new && mv new renamed && cat renamed && "
         "ln renamed hard && ln -s renamed soft && cat soft && stat -c %h hard && "
         "truncate -s 2 hard && cat renamed && echo && mkdir -p a/b && rmdir a/b a && "
         "chmod 640 hard && chown 1:2 hard && stat -c '%a %u:%g' renamed && "
         "setfattr -n user.x -v y hard && getfattr --only-values -n user.x renamed && "
         "echo && ls && rm hard && stat -c %h renamed && cat /run/kept/renamed > below/c && "
         "fallocate -l 4096 below/c && stat -c %s below/c && mkfifo below/p && ls below"),
      StdoutIs("old\nnew\nnew\n2\nne\n640 1:2\ny\nbelow\nhard\nold\nrenamed\nsoft\n1\n"
               "4096\nc\np\n"));
  slow.heal();
  EXPECT_THAT(sh("cat /run/kept/renamed"), StdoutIs("ne"));
}

TEST_F(DiskFaultTest, FilesBelongToThoseThatMakeThem) {
  ASSERT_THAT(sh("chmod 777 /run/kept && mkdir /run/kept/closed && chmod 700 /run/kept/closed"),
              Succeeded());
  Fault slow = faults().disturbDisk("/run/kept", {.delay = 1ms});
  RunOptions nobody;
  nobody.user = "nobody";
  EXPECT_THAT(a().run({"sh", "-c", "touch /run/kept/mine; stat -c %U /run/kept/mine"}, nobody),
              StdoutIs("nobody\n"));
  EXPECT_THAT(a().run({"touch", "/run/kept/closed/x"}, nobody), StderrHas("Permission denied"));
}

// Each of the three requests is delayed by itself, and no bound above is asserted.
TEST_F(DiskFaultTest, RequestsAreSlow) {
  {
    Fault slow = faults().disturbDisk("/run/kept", {.delay = 300ms});
    EXPECT_GE(secondsOf("echo x > /run/kept/x"), 0.3);
    EXPECT_GE(secondsOf("sync /run/kept/x"), 0.3);
  }
  Fault slow = faults().disturbDisk("/run/kept", {.bytesPerSecond = 1 << 20});
  EXPECT_GE(secondsOf("head -c 524288 /dev/zero > /run/kept/y"), 0.5);
  EXPECT_GT(slow.packetsDropped(), 0u);
}

TEST_F(DiskFaultTest, ChosenWritesFail) {
  {
    Fault failing = faults().disturbDisk("/run/kept", {.failFrom = 2, .failCount = 1});
    EXPECT_THAT(sh("for i in 1 2 3; do echo $i | dd status=none of=/run/kept/$i; done"),
                StderrHas("Input/output error"));
    EXPECT_THAT(sh("cat /run/kept/1 /run/kept/2 /run/kept/3"), StdoutIs("1\n3\n"));
  }
  Fault full = faults().disturbDisk(
      "/run/kept", {.failFrom = 1, .failWith = DiskDisturbance::WriteError::kNoSpace});
  EXPECT_THAT(sh("echo x | dd status=none of=/run/kept/x"), StderrHas("No space left on device"));
  EXPECT_THAT(sh("echo x | dd status=none of=/run/kept/x"), StderrHas("No space left on device"));
  full.heal();
  EXPECT_THAT(sh("echo x > /run/kept/x"), Succeeded());
}

TEST_F(DiskFaultTest, WriteThatNeverFailedIsAnErrorAtTheEnd) {
  Fault failing = faults().disturbDisk("/run/kept", {.failFrom = 5});
  EXPECT_THAT(sh("echo x > /run/kept/x"), Succeeded());
  EXPECT_THAT([&] { failing.heal(); },
              FailsWith(NodeError::Kind::kSystem, HasSubstr("no write has failed: there were 1")));
}

TEST_F(DiskFaultTest, OnlySyncedContentIsLeft) {
  Fault forgetful = faults().disturbDisk("/run/kept", {.losesUnsynced = true});
  EXPECT_THAT(sh("cd /run/kept && echo synced > log && sync log && echo lost >> log && "
                 "echo lost > old && echo lost > new && cat log"),
              StdoutIs("synced\nlost\n"));
  forgetful.heal();
  EXPECT_THAT(sh("cd /run/kept && cat log old new && stat -c %s new"),
              StdoutIs("synced\nold\n0\n"));
}

TEST_F(DiskFaultTest, OpenFilesGoOnUnlessTheyLoseTheirContent) {
  const std::string writer =
      "exec 3> /run/kept/log; echo ready; while read line; do echo $line >&3 || echo gone; done";
  Process writing = [&] {
    Fault slow = faults().disturbDisk("/run/kept", {.delay = 1ms});
    Process started = a().start({"sh", "-c", writer});
    started.readUntil("ready", 10s);
    return started;
  }();
  writing.write("after\n");
  EXPECT_THAT(
      [&] {
        return a().output({"cat", "/run/kept/log"});
      },
      Eventually(std::string("after\n"), 10s));
  writing.closeInput();
  EXPECT_THAT(writing.wait(10s), Succeeded());
  Process losing = [&] {
    Fault forgetful = faults().disturbDisk("/run/kept", {.losesUnsynced = true});
    Process started = a().start({"sh", "-c", writer});
    started.readUntil("ready", 10s);
    return started;
  }();
  losing.write("after\n");
  losing.readUntil("gone", 10s);
  losing.kill();
}

TEST_F(DiskFaultTest, SuccessorOfAKilledKeeperGivesTheDiskBack) {
  Fault slow = faults().disturbDisk("/run/kept", {.delay = 1ms});
  faults::killKeeper(a());
  EXPECT_THAT([&] { return mounts() == mountsBefore_; }, Eventually(true, 10s));
  EXPECT_THAT([&] { return layers(); }, Eventually(std::string(), 10s));
  EXPECT_THAT([&] { slow.heal(); }, FailsWith(NodeError::Kind::kLost));
}

TEST_F(DiskFaultTest, KilledLayerIsAnErrorAndLeavesNothing) {
  Fault slow = faults().disturbDisk("/run/kept", {.delay = 1ms});
  sh("kill -KILL " + layers());
  EXPECT_THAT([&] { return sh("cat /run/kept/old").err; },
              Eventually(HasSubstr("not connected"), 10s));
  EXPECT_THAT([&] { slow.heal(); }, FailsWith(NodeError::Kind::kSystem));
  EXPECT_THAT(sh("cat /run/kept/old"), StdoutIs("old\n"));
}

TEST_F(DiskFaultTest, BadDisturbancesAreRefused) {
  EXPECT_THAT([&] { Fault none = faults().disturbDisk("/run/kept", {}); },
              FailsWith(kInvalid, HasSubstr("neither a delay nor anything else")));
  EXPECT_THAT([&] { Fault slow = faults().disturbDisk("/run/kept", {.delay = 11s}); },
              FailsWith(kInvalid, HasSubstr("is not between 0 and 10 s")));
  EXPECT_THAT([&] { Fault slow = faults().disturbDisk("/run/kept", {.bytesPerSecond = 1}); },
              FailsWith(kInvalid, HasSubstr("is below 4096")));
  EXPECT_THAT([&] { Fault odd = faults().disturbDisk("/run/kept", {.failCount = 1}); },
              FailsWith(kInvalid, HasSubstr("without failFrom")));
  EXPECT_THAT([&] { Fault slow = faults().disturbDisk("/run", {.delay = 1ms}); },
              FailsWith(kDenied, HasSubstr("agent's state")));
  EXPECT_THAT([&] { Fault slow = faults().disturbDisk("/none", {.delay = 1ms}); },
              FailsWith(NodeError::Kind::kNotFound));
}

}  // namespace
