// Changes end with the test, the suite, or the keeper that holds them, whichever is first.
#include <muster/muster.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::string kForward = "cat /proc/sys/net/ipv4/ip_forward";
constexpr uint64_t kMiB = 1 << 20;

class ChangeEndsTest : public ClusterTest {
 public:
  static Needs needs() { return {.nodes = {{"server", 1}}}; }

  static void SetUpTestSuite() {
    change(node(), Sysctl{.name = "net.ipv4.ip_forward", .value = "1"});
    change(node(), HostsEntry{.address = "10.99.7.7", .names = {"of-the-suite"}});
  }

 protected:
  static Node& node() { return servers()[0]; }
  static std::string shell(const std::string& script) { return node().shell(script).out; }

  // Kills what runs with `pattern` in its command line, and waits for the reconnect.
  void kill(const std::string& pattern) {
    uint32_t before = node().state().reconnects;
    node().run({"pkill", "-KILL", "-f", "--", pattern});
    EXPECT_THAT([&] { return node().state().reconnects; },
                Eventually(testing::Gt(before), 20s, 20ms));
  }
};

TEST_F(ChangeEndsTest, LeavesMuch) {
  change(node(), Sysctl{.name = "net.ipv4.ip_forward", .value = "0"});
  change(node(), VethPair{.name = "m0", .peer = "m1"});
  change(node(), ExtraAddress{.address = "10.99.8.1/24", .interface = "m0"});
  change(node(), TmpfsMount{.directory = "/mnt/left", .bytes = kMiB});
  node().file("/mnt/left/file").write("x\n", {.undo = UndoAt::kTestEnd});
  EXPECT_EQ(shell(kForward), "0\n");
}

TEST_F(ChangeEndsTest, NextTestFindsTheSettingsOfTheSuite) {
  EXPECT_EQ(shell(kForward), "1\n");
  EXPECT_THAT(shell("ip -o address"), Not(HasSubstr("10.99.8.1")));
  EXPECT_THAT(shell("ls -d /mnt/left; grep /mnt/left /proc/mounts"), IsEmpty());
  EXPECT_THAT(shell("getent hosts of-the-suite"), HasSubstr("10.99.7.7"));
}

TEST_F(ChangeEndsTest, ChangesOutliveTheFront) {
  change(node(), TmpfsMount{.directory = "/mnt/front", .bytes = kMiB});
  kill("--role=front");
  EXPECT_THAT(shell("cat /proc/mounts"), HasSubstr("/mnt/front"));
  EXPECT_EQ(shell(kForward), "1\n");
}

// Runs last: it takes the settings of the suite away too.
class KilledKeeperTest : public ChangeEndsTest {};

TEST_F(KilledKeeperTest, SuccessorTakesEverythingBack) {
  change(node(), VethPair{.name = "m0", .peer = "m1"});
  change(node(), TmpfsMount{.directory = "/mnt/killed", .bytes = kMiB});
  change(node(), NodeUser{.name = "kvd"});
  ASSERT_THAT(shell("cat /etc/hosts"), HasSubstr("of-the-suite"));
  // Process 1 of the node matches too, but the kernel protects it.
  kill("nodeagent");
  EXPECT_THAT([&] { return shell("ls /run/nodeagent/changes"); }, Eventually(IsEmpty(), 10s));
  EXPECT_THAT(shell("ip -o link"), Not(HasSubstr("m0")));
  EXPECT_THAT(shell("ls -d /mnt/killed; grep /mnt/killed /proc/mounts; getent passwd kvd"),
              IsEmpty());
  EXPECT_THAT(shell("cat /etc/hosts"), Not(HasSubstr("of-the-suite")));
}

}  // namespace
