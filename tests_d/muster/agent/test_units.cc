// The agent runs as two systemd units, the front in a sandbox.
#include <csignal>
#include <cstdlib>

#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;

// Starts the units beside the node's own agent, with a state directory and endpoints of their own.
class UnitsTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"client", 1}}, .init = NeedsInit::kSystemd}; }

 protected:
  void SetUp() override {
    for (const char* unit : {"/nodeagent-keeper.service", "/nodeagent-front.service"}) {
      node().push(std::string(MUSTER_INIT_DIR) + unit, std::string("/etc/systemd/system") + unit);
    }
    node().push(MUSTER_INIT_DIR "/sysusers.d/nodeagent.conf", "/etc/sysusers.d/nodeagent.conf",
                {.parents = true});
    // The line Conflicts= would stop the agent that this test talks to.
    for (const char* unit : {"keeper", "front"}) {
      EXPECT_THAT(node().run({"sed", "-i", "/^Conflicts=/d",
                              std::string("/etc/systemd/system/nodeagent-") + unit + ".service"}),
                  Succeeded());
    }
    node()
        .file("/etc/default/nodeagent-units")
        .write("AGENT_OPTIONS='--config /etc/second.yaml'\n");
    node()
        .file("/etc/second.yaml")
        .write(
            "node: second\n"
            "state-dir: /run/second\n"
            "listen: [\"tcp:127.0.0.1:7413\", \"unix:/run/nodeagent-front/agent.sock\"]\n");
    ASSERT_THAT(node().run({"systemd-sysusers"}), Succeeded());
    ASSERT_THAT(node().run({"systemctl", "daemon-reload"}), Succeeded());
    ASSERT_TRUE(node().service("nodeagent-keeper").start().running());
    ASSERT_TRUE(node().service("nodeagent-front").start().running());
  }
  void TearDown() override {
    for (const char* unit : {"nodeagent-front", "nodeagent-keeper"}) node().service(unit).stop();
#ifdef __SANITIZE_ADDRESS__
    // The search for leaks at the end is not possible in the sandbox, and counts as a failure.
    EXPECT_THAT(node().run({"systemctl", "reset-failed", "nodeagent-*"}), Succeeded());
#endif
  }

  Node& node() {
    return clients()[0];
  }

  // Returns the main process of a unit, as text.
  std::string pidOf(const std::string& unit) {
    return std::to_string(node().service(unit).status().mainPid);
  }
  Result inetSocketsOf(const std::string& pid) {
    return node().shell("ss -Htuwanp | grep -F 'pid=" + pid + ",' || true");
  }
};

// The sandbox is the front's defence in depth. systemd scores it from 0, the best, to 10.
TEST_F(UnitsTest, FrontHasALowExposureScore) {
  Result result =
      node().run({"systemd-analyze", "security", "--no-pager", "nodeagent-front.service"});
  ASSERT_THAT(result, Succeeded());
  std::string text = result.out;
  size_t at = text.find("exposure level for nodeagent-front.service: ");
  ASSERT_NE(at, std::string::npos) << text;
  double exposure = std::atof(text.c_str() + text.find(": ", at) + 2);
  RecordProperty("exposure", std::to_string(exposure));
  EXPECT_GT(exposure, 0.0);
  EXPECT_LE(exposure, 2.0) << text;
}

// The process that strangers can reach has no privileges, and strangers cannot reach the privileged
// one.
TEST_F(UnitsTest, FrontHasNoPrivilegesAndKeeperNoNetworkSocket) {
  std::string front = pidOf("nodeagent-front"), keeper = pidOf("nodeagent-keeper");
  EXPECT_THAT(node().run({"bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7413"}), Succeeded());
  EXPECT_THAT(node().run({"stat", "-c", "%U", "/proc/" + front}), Prints("nodeagent"));
  EXPECT_THAT(node().run({"grep", "-E", "^(CapEff|CapBnd):", "/proc/" + front + "/status"}),
              StdoutIs("CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"));
  EXPECT_THAT(inetSocketsOf(front), Prints("127.0.0.1:7413"));
  EXPECT_THAT(inetSocketsOf(keeper), StdoutIs(""));
  EXPECT_THAT(node().run({"stat", "-c", "%a %U", "/run/second/keeper.sock"}),
              StdoutIs("600 nodeagent\n"));
}

// Each unit has a watchdog, which starts a process again whose loop stands still.
TEST_F(UnitsTest, StoppedFrontIsStartedAgain) {
  node()
      .file("/etc/systemd/system/nodeagent-front.service.d/short.conf")
      .write("[Service]\nWatchdogSec=2s\n", {.parents = true});
  ASSERT_THAT(node().run({"systemctl", "daemon-reload"}), Succeeded());
  node().service("nodeagent-front").restart();
  std::string front = pidOf("nodeagent-front");
  ASSERT_THAT(node().run({"sleep", "4"}), Succeeded());
  EXPECT_EQ(pidOf("nodeagent-front"), front) << "it did not tell that it lives";
  AllowCrash allowed({.program = "nodeagent-front.service",
                      .signal = SIGABRT,
                      .reason = "systemd ends what does not answer"});
  ASSERT_THAT(node().run({"kill", "-STOP", front}), Succeeded());
  EXPECT_THAT(
      [&] {
        ServiceStatus status = node().service("nodeagent-front").status();
        return status.running() && std::to_string(status.mainPid) != front;
      },
      Eventually(testing::IsTrue(), 20s));
}

// The keeper has the jobs and sessions, so nothing that happens to the front may restart it.
TEST_F(UnitsTest, ReloadAndAKilledFrontLeaveTheKeeperAlone) {
  std::string front = pidOf("nodeagent-front"), keeper = pidOf("nodeagent-keeper");
  EXPECT_TRUE(node().service("nodeagent-front").reload().running());
  EXPECT_EQ(pidOf("nodeagent-front"), front);
  EXPECT_THAT(node().run({"kill", "-9", front}), Succeeded());
  EXPECT_THAT([&] { return node().service("nodeagent-front").status().running(); },
              Eventually(testing::IsTrue(), 10s));
  EXPECT_EQ(pidOf("nodeagent-keeper"), keeper);
}

}  // namespace
