// Nodes that freeze or lose their power are noticed, and come back.
#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::HasSubstr;

class MachineTest : public ClusterTest {
 public:
  static Needs needs() {
    return {.nodes = {{"server", 2}}, .boot = {std::string("echo started >> ") + kStarts}};
  }

  static constexpr char kStarts[] = "/var/tmp/machine-test-starts";
};

// A frozen node keeps its connections open, so only missing heartbeats show it. Nothing on it is
// lost.
TEST_F(MachineTest, FrozenNodeIsNoticedWithinFiveSecondsAndGoesOn) {
  Node& victim = servers()[0];
  Process sleeper = victim.start({"sh", "-c", "sleep 1; echo done"});
  {
    auto frozen = cluster().freeze(victim);
    victim.awaitDisconnected(5s);
    EXPECT_THAT(victim.state().lastError, HasSubstr("heartbeat"));
    EXPECT_THAT([&] { victim.run({"true"}, {.deadline = 500ms}); },
                FailsWith(NodeError::Kind::kUnreachable, HasSubstr("last error")));
    EXPECT_THAT(servers()[1].run({"true"}), Succeeded());
  }
  EXPECT_THAT(sleeper.wait(20s), Prints("done"));
}

// A local node has the clock of this machine, so its true offset is 0.
TEST_F(MachineTest, ClockOffsetOfALocalNodeIsWithinItsErrorBound) {
  auto clock = servers()[0].state().clock;
  ASSERT_TRUE(clock);
  EXPECT_LE(std::chrono::abs(clock->offset), clock->errorMax);
}

// A TearDown powers on what the test has left off, or not.
TEST_F(MachineTest, PowerOfANodeThatIsOnChangesNothing) {
  Node& victim = servers()[0];
  Process sleeper = victim.start({"sleep", "60"});
  cluster().powerOn(victim);
  EXPECT_TRUE(sleeper.running());
  cluster().powerOff(victim);
  cluster().powerOff(victim);
  cluster().powerOn(victim);
  EXPECT_THAT(victim.run({"true"}), Succeeded());
}

// A test must be able to tell a command that a power cut ended from one that failed.
TEST_F(MachineTest, PowerCutIsReportedAsReboot) {
  Node& victim = servers()[1];
  Process sleeper = victim.start({"sleep", "60"});
  victim.file("/var/kept").write("on disk", {.sync = true});
  cluster().powerOff(victim);
  victim.awaitDisconnected(10s);
  cluster().powerOn(victim);
  EXPECT_THAT(sleeper.wait(20s), Lost(LostReason::kNodeRebooted));
  EXPECT_EQ(victim.file("/var/kept").read(), "on disk");
}

TEST_F(MachineTest, RebootGivesEachNodeANewBootId) {
  Process sleeper = servers()[0].start({"sleep", "60"});
  std::vector<std::string> before;
  for (Node& node : servers()) before.push_back(node.state().bootId);
  std::vector<std::string> bootIds = cluster().reboot(servers(), 60s);
  ASSERT_EQ(bootIds.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_NE(bootIds[i], before[i]);
    EXPECT_EQ(servers()[i].facts().bootId, bootIds[i]);
  }
  EXPECT_THAT(sleeper.wait(20s), Lost(LostReason::kNodeRebooted));
  EXPECT_EQ(cluster().reboot(NodeSet(), 1s).size(), 0u);
}

// A peer that remembers the node from before the power cut must find it again, as it does a machine
// that was switched off and on: no interface gets a new hardware address by that.
TEST_F(MachineTest, PeersReachANodeBeforeAndRightAfterAPowerCut) {
  Node& victim = servers()[0];
  Node& peer = servers()[1];
  auto ping = [&](const std::string& address) {
    SCOPED_TRACE(address);
    EXPECT_THAT(peer.run({"ping", "-c", "1", "-W", "2", address}), Succeeded());
  };
  for (const std::string& address : victim.addresses()) ping(address);
  cluster().powerOff(victim);
  cluster().powerOn(victim);
  for (const std::string& address : victim.addresses()) ping(address);
}

// The kernel counts the start of a process in hundredths of a second.
TEST_F(MachineTest, UptimeBeginsWithThePower) {
  Node& victim = servers()[1];
  auto before = std::chrono::steady_clock::now();
  cluster().powerOff(victim);
  cluster().powerOn(victim);
  Facts facts = victim.facts();
  EXPECT_LE(facts.uptime, std::chrono::steady_clock::now() - before + 10ms);
  EXPECT_GT(facts.uptime, 0ms);
}

TEST_F(MachineTest, BootCommandsRunAgainAfterAPowerCut) {
  Node& victim = servers()[1];
  if (!victim.run({"test", "-e", kStarts}).succeeded()) {
    GTEST_SKIP() << "nodes of a configured cluster run no boot commands of a test";
  }
  std::string before = victim.file(kStarts).read();
  cluster().powerOff(victim);
  cluster().powerOn(victim);
  EXPECT_EQ(victim.file(kStarts).read(), before + "started\n");
}

class PowerScopeTest : public ClusterTest {
 public:
  static Needs needs() {
    return {.nodes = {{"server", 1}},
            .abilities = {NodeAbility::kPower, NodeAbility::kFreezing},
            .memoryBytes = 1 << 20};
  }

  static constexpr char kBoot[] = "/var/tmp/power-scope-boot";
};

TEST_F(PowerScopeTest, AFirstTestLeavesTheNodeWithoutPower) {
  Node& victim = servers()[0];
  victim.file(kBoot).write(victim.facts().bootId, {.sync = true});
  cluster().powerOff(victim);
  victim.awaitDisconnected(10s);
}

TEST_F(PowerScopeTest, BTheNextOneFindsItOnAgain) {
  Node& victim = servers()[0];
  if (!victim.file(kBoot).exists()) GTEST_SKIP() << "it needs the test before";
  EXPECT_NE(victim.facts().bootId, victim.file(kBoot).read());
  victim.file(kBoot).remove();
}

class SystemdMachineTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"client", 1}}, .init = NeedsInit::kSystemd}; }
};

// Nodes of this machine may not reboot it, and nobody starts one that has ended.
TEST_F(SystemdMachineTest, NodeThatRebootsItselfIsStartedAgainByItsPower) {
  Node& victim = clients()[0];
  Process rebooter = victim.start({"systemctl", "reboot"});
  victim.awaitDisconnected(30s);
  cluster().powerOff(victim);
  cluster().powerOn(victim);
  EXPECT_THAT(victim.run({"true"}), Succeeded());
}

TEST_F(MachineTest, FactsDescribeTheNode) {
  Facts facts = servers()[0].facts();
  EXPECT_EQ(facts.hostname, "server1");
  EXPECT_FALSE(facts.cpus.empty());
  EXPECT_GT(facts.memory.totalBytes, 0u);
  EXPECT_EQ(facts.bootId, servers()[0].state().bootId);
  EXPECT_FALSE(facts.interfaces.empty());
}

}  // namespace
