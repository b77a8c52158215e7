// Services are controlled in the same way under SysV scripts and under systemd.
#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;

class SysvTest : public ClusterTest {};

TEST_F(SysvTest, ScriptStartsStopsAndTellsItsState) {
  Node& node = servers()[0];
  node.file("/etc/init.d/lamp")
      .write(
          "#!/bin/sh\n"
          "case $1 in\n"
          "start) touch /run/lamp ;;\n"
          "stop) rm -f /run/lamp ;;\n"
          "status) test -e /run/lamp || exit 3 ;;\n"
          "esac\n",
          {.mode = 0755});
  Service lamp = node.service("lamp");
  EXPECT_EQ(lamp.status().state, ServiceStatus::State::kStopped);
  EXPECT_TRUE(lamp.start().running());
  EXPECT_EQ(lamp.status().manager, ServiceStatus::Manager::kSysv);
  EXPECT_FALSE(lamp.stop().running());
  EXPECT_THAT([&] { node.service("no-such-lamp").start(); }, FailsWith(NodeError::Kind::kNotFound));
}

class SystemdTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"client", 1}}, .init = NeedsInit::kSystemd}; }
};

TEST_F(SystemdTest, UnitStartsStopsAndReportsItsFailure) {
  Node& node = clients()[0];
  node.file("/etc/systemd/system/lamp.service")
      .write("[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n");
  node.file("/etc/systemd/system/broken.service")
      .write("[Service]\nType=oneshot\nExecStart=/bin/false\n");
  EXPECT_THAT(node.run({"systemctl", "daemon-reload"}), Succeeded());
  Service lamp = node.service("lamp");
  EXPECT_TRUE(lamp.start().running());
  EXPECT_GT(lamp.status().mainPid, 0);
  EXPECT_EQ(lamp.enable().enabled, ServiceStatus::Enabled::kEnabled);
  EXPECT_FALSE(lamp.stop().running());
  EXPECT_THAT([&] { node.service("broken").start(); }, FailsWith(NodeError::Kind::kSystem));
  EXPECT_THAT(node.run({"systemctl", "reset-failed", "broken"}), Succeeded());
}

// systemd itself runs the agent of such a node, as on a real machine.
TEST_F(SystemdTest, AgentIsAUnitOfItsNode) {
  EXPECT_THAT(clients()[0].run({"systemctl", "is-active", "nodeagent"}), Prints("active"));
}

}  // namespace
