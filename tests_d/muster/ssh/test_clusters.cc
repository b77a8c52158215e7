// Whole lives of clusters on hosts with systemd: what is made, used, killed and removed.
#include <string>

#include "component.h"

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SystemdHostsTest : public ssh_tests::SshTest {
 public:
  static Needs needs() { return ssh_tests::needsHosts(NeedsInit::kSystemd); }

 protected:
  static std::string unitsOn(const Node& host) {
    return host.shell("systemctl list-unit-files 'muster-agent-*' --no-legend; :").out;
  }
};

TEST_F(SystemdHostsTest, ClusterRunsCommandsAndLeavesNothing) {
  std::string path =
      file("one", "a1: {role: server, host: HOST1}\n  a2: {role: server, host: HOST2}");
  ASSERT_THAT(inner("muster up " + path), Succeeded());
  EXPECT_THAT(statesOf("one"), AllOf(HasSubstr("\"copying\""), HasSubstr("by systemd-run")));
  EXPECT_THAT(inner("muster exec --cluster one a1,a2 -- hostname"),
              AllOf(Prints(host(1).name()), Prints(host(2).name())));
  ASSERT_THAT(inner("echo words > /root/file; muster cp --cluster one /root/file a2:/root/copied"),
              Succeeded());
  EXPECT_EQ(host(2).file("/root/copied").read(), "words\n");
  EXPECT_THAT(inner("muster nodes --cluster one"), Prints("up"));

  EXPECT_THAT(inner("muster down one"), Succeeded());
  expectNothingLeft();
}

TEST_F(SystemdHostsTest, SecondClusterOfAHostCopiesNothingAndOutlivesTheFirst) {
  ASSERT_THAT(inner("muster up " + file("one", "a1: {role: server, host: HOST1}")), Succeeded());
  std::string second = file("two", "a1: {role: server, host: HOST1}", "agent_port: 7501\n");
  ASSERT_THAT(inner("muster up " + second), Succeeded());
  EXPECT_THAT(statesOf("two"), AllOf(HasSubstr("\"starting\""), Not(HasSubstr("\"copying\""))));

  EXPECT_THAT(inner("muster down one"), Succeeded());
  EXPECT_THAT(inner("muster exec --cluster two a1 -- echo alive"), Prints("alive"));
}

TEST_F(SystemdHostsTest, TakenPortIsRefusedWithItsHolder) {
  ASSERT_THAT(inner("muster up " + file("one", "a1: {role: server, host: HOST1}")), Succeeded());
  Result refused = inner("muster up " + file("two", "a1: {role: server, host: HOST1}"));
  EXPECT_FALSE(refused.succeeded());
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("node a1: host " + host(1).name() + ": checking: port 7500 is taken"),
                    HasSubstr("node a1 of cluster one"), HasSubstr("\"agent_port\"")));
  EXPECT_THAT(inner("muster exec --cluster one a1 -- echo alive"), Prints("alive"));
}

TEST_F(SystemdHostsTest, PersistentAgentComesBackWhenItIsKilled) {
  std::string path = file("one", "a1: {role: server, host: HOST1}", "persistent: true\n");
  ASSERT_THAT(inner("muster up " + path), Succeeded());
  EXPECT_THAT(unitsOn(host(1)), HasSubstr("enabled"));
  killAgents(host(1));
  EXPECT_THAT([&] { return inner("muster exec --cluster one a1 -- echo alive"); },
              Eventually(Prints("alive"), 30s, 200ms));

  EXPECT_THAT(inner("muster down one"), Succeeded());
  EXPECT_THAT(unitsOn(host(1)), IsEmpty());
}

TEST_F(SystemdHostsTest, DeployedHostsAreTakenByTheirFile) {
  std::string deploy = "muster deploy --config ssh/config --agent-port 7500 --output two.yaml " +
                       host(1).name() + " ";
  controller().shell("rm -f /root/two.yaml").checked();
  EXPECT_THAT(inner(deploy + "nosuch.invalid").err, HasSubstr("nosuch.invalid: connecting"));
  EXPECT_FALSE(controller().file("/root/two.yaml").exists());

  ASSERT_THAT(inner(deploy + host(2).name()), Prints("muster run --cluster two.yaml"));
  EXPECT_THAT(inner("muster exec --cluster two.yaml @server -- hostname"),
              testing::AllOf(Prints(host(1).name()), Prints(host(2).name())));
  EXPECT_THAT(unitsOn(host(2)), HasSubstr("enabled"));
  EXPECT_THAT(inner(deploy + host(2).name()).err, HasSubstr("two.yaml exists"));
  EXPECT_THAT(inner("muster down two.yaml"), Succeeded());
}

TEST_F(SystemdHostsTest, DownEndsDetachedJobs) {
  ASSERT_THAT(inner("muster up " + file("one", "a1: {role: server, host: HOST1}")), Succeeded());
  ASSERT_THAT(inner("muster exec --cluster one --detach a1 -- sleep 4321"), Succeeded());
  ASSERT_THAT(host(1).run({"pgrep", "-f", "^sleep 4321"}), Succeeded());
  EXPECT_THAT(inner("muster down one"), Succeeded());
  EXPECT_FALSE(host(1).run({"pgrep", "-f", "^sleep 4321"}).succeeded());
}

TEST_F(SystemdHostsTest, HostBehindAnotherIsReachedThroughIt) {
  ASSERT_THAT(inner("muster up " + file("one", "a1: {role: server, host: HOST2, jump: HOST1}")),
              Succeeded());
  EXPECT_THAT(inner("muster exec --cluster one a1 -- hostname"), Prints(host(2).name()));
}

TEST_F(SystemdHostsTest, ClosedPortIsReachedThroughSsh) {
  host(1)
      .file("/root/closed.nft")
      .write(
          "table inet closed {\n chain in {\n type filter hook input priority 0\n "
          "tcp dport 7500 iifname \"eth0\" drop\n }\n}\n");
  host(1).output({"nft", "-f", "/root/closed.nft"});
  std::string nodes = "a1: {role: server, host: HOST1}";
  EXPECT_THAT(inner("muster up " + file("two", nodes, "control: direct\n")).err,
              AllOf(HasSubstr("its port 7500 does not answer here"), HasSubstr("control: ssh")));

  EXPECT_THAT(inner("muster up " + file("one", nodes)), Succeeded());
  EXPECT_THAT(inner("muster exec --cluster one a1 -- hostname"), Prints(host(1).name()));
  // The connection's end is not that of the cluster.
  controller().run({"pkill", "-KILL", "-f", "^[^ ]*ssh .* -N -f -- "});
  EXPECT_THAT([&] { return inner("muster exec --cluster one a1 -- echo alive"); },
              Eventually(Prints("alive"), 60s, 500ms));
  EXPECT_THAT(inner("muster down one"), Succeeded());
  host(1).output({"nft", "delete", "table", "inet", "closed"});
}

}  // namespace
