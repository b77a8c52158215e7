// The SysV script of init/ works on a node as an administrator would use it.
#include <muster/muster.h>

namespace {

using namespace muster;

// Installs a second agent beside the node's own, with a port and a state directory of its own.
class InitScriptTest : public ClusterTest {
 protected:
  void SetUp() override {
    Node& node = servers()[0];
    node.push(MUSTER_INIT_DIR "/nodeagent.init", "/etc/init.d/nodeagent", {.mode = 0755});
    node.file("/etc/default/nodeagent").write("AGENT_OPTIONS='--config /etc/second.yaml'\n");
    node.file("/etc/second.yaml")
        .write("node: second\nstate-dir: /run/second\nlisten: [\"tcp:127.0.0.1:7412\"]\n");
  }
  void TearDown() override { servers()[0].service("nodeagent").stop(); }

  Result connect() { return servers()[0].run({"bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/7412"}); }
};

// A script that returned earlier would let the next step of a boot fail now and then.
TEST_F(InitScriptTest, StartReturnsWhenTheAgentListens) {
  Service agent = servers()[0].service("nodeagent");
  EXPECT_EQ(agent.status().state, ServiceStatus::State::kStopped);
  EXPECT_THAT(connect(), ExitedWith(1));
  EXPECT_TRUE(agent.start().running());
  EXPECT_THAT(connect(), Succeeded());
  EXPECT_TRUE(agent.start().running()) << "starting what runs is no error";
  EXPECT_FALSE(agent.stop().running());
  EXPECT_THAT(connect(), ExitedWith(1));
}

// A killed agent leaves its pid file, and the number in it may belong to another process by now.
TEST_F(InitScriptTest, StaleProcessIdDoesNotPreventAStart) {
  Service agent = servers()[0].service("nodeagent");
  EXPECT_TRUE(agent.start().running());
  EXPECT_THAT(servers()[0].shell("kill -9 $(cat /run/nodeagent.pid)"), Succeeded());
  EXPECT_THAT([&] { return agent.status().running(); }, Eventually(testing::IsFalse(), 5s));
  EXPECT_TRUE(agent.start().running());
  EXPECT_THAT(connect(), Succeeded());
}

TEST_F(InitScriptTest, BadConfigurationIsReportedAndNothingStarts) {
  servers()[0].file("/etc/second.yaml").write("nod: second\n");
  EXPECT_THAT([] { servers()[0].service("nodeagent").start(); },
              FailsWith(NodeError::Kind::kSystem, testing::HasSubstr("unknown key \"nod\"")));
  EXPECT_THAT(connect(), ExitedWith(1));
}

}  // namespace
