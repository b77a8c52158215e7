// `muster change` and `muster sync` on real nodes, and what becomes of changes whose program is
// killed.
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::seconds kWaitMax{20};

class ChangeCommandTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server[1-2]: {role: server}\n")}), exits(0));
  }
  void TearDown() override {
    end(SIGKILL);
    OwnClusterTest::TearDown();
  }

  void start(const std::string& program, const std::vector<std::string>& arguments) {
    running_ = startProgram(program, arguments);
  }
  void end(int number) {
    if (running_ == 0) return;
    ::kill(running_, number);
    ::waitpid(running_, nullptr, 0);
    running_ = 0;
  }
  Ended change(const std::string& action, std::vector<std::string> arguments) const {
    return onCluster("change " + action, std::move(arguments));
  }
  std::string on(const std::string& node, const std::string& script) const {
    return onCluster("exec", {node, "--", "sh", "-c", script}).out;
  }
  bool becomes(const std::string& script, const std::string& text) const {
    return muster_tests::becomesTrue(
        [&] { return on("server1", script + "; true").find(text) != std::string::npos; }, kWaitMax);
  }
  bool becomesEmpty(const std::string& script) const {
    return muster_tests::becomesTrue([&] { return on("server1", script + "; true").empty(); },
                                     kWaitMax);
  }

  pid_t running_ = 0;
};

constexpr char kLookForAll[] =
    "grep -h -e held /proc/mounts /etc/hosts; ip -o link | grep m0; ls /mnt | grep held";

TEST_F(ChangeCommandTest, HeldChangeIsListedAndEndsWithTheCommand) {
  start("muster", {"change", "hold", "@server", "tmpfs", "/mnt/held", "1M", "--cluster", cluster_});
  ASSERT_TRUE(becomes("cat /proc/mounts", "/mnt/held"));
  ASSERT_TRUE(muster_tests::becomesTrue(
      [&] { return on("server2", "cat /proc/mounts").find("/mnt/held") != std::string::npos; },
      kWaitMax));
  EXPECT_THAT(change("list", {}),
              AllOf(exits(0), prints("server2  tmpfs  made"), prints("on /mnt/held")));
  EXPECT_THAT(change("list", {"server1", "--json"}),
              AllOf(prints("\"kind\": \"tmpfs\""), Not(prints("server2"))));
  end(SIGTERM);
  EXPECT_TRUE(becomesEmpty(kLookForAll));
  EXPECT_THAT(change("list", {}), AllOf(exits(0), Not(prints("tmpfs"))));
}

TEST_F(ChangeCommandTest, ChangeIsTakenBackByItsIdAndInItsTime) {
  start("muster",
        {"change", "hold", "server1", "hosts", "10.99.7.7", "held", "--cluster", cluster_});
  ASSERT_TRUE(becomes("cat /etc/hosts", "held"));
  std::string json = change("list", {"--json"}).out;
  std::string id = json.substr(json.find("\"id\": \"") + 7, 32);
  EXPECT_THAT(change("undo", {id.substr(0, 8)}),
              AllOf(exits(0), prints("server1: change " + id.substr(0, 8) + " taken back")));
  EXPECT_THAT(change("undo", {id}), AllOf(exits(0), complains("no node has change")));
  EXPECT_THAT(on("server1", "cat /etc/hosts"), Not(HasSubstr("held")));
  EXPECT_THAT(change("hold", {"server1", "sysctl", "net.ipv4.ip_forward=1", "--for", "1s"}),
              AllOf(exits(0), prints("sets net.ipv4.ip_forward to 1"), prints("  before: ")));
}

TEST_F(ChangeCommandTest, RefusedChangeIsKeptByNoNode) {
  on("server2", "mkdir /mnt/held; mount -t tmpfs none /mnt/held");
  EXPECT_THAT(change("hold", {"@server", "tmpfs", "/mnt/held", "1M"}),
              AllOf(exits(1), complains("is a mount point already")));
  EXPECT_TRUE(becomesEmpty(kLookForAll));
  EXPECT_THAT(change("hold", {"server1", "tmpfs", "/mnt/held"}),
              AllOf(exits(64), complains("tmpfs takes DIRECTORY SIZE")));
  EXPECT_THAT(change("undo", {}), AllOf(exits(64), complains("say what to take back")));
}

TEST_F(ChangeCommandTest, ChangesOfAKilledProgramEndWithItsLease) {
  start("muster-test-changer", {cluster_, "server1", "2000"});
  ASSERT_TRUE(becomes("ip -o link", "m0"));
  ASSERT_TRUE(becomes("cat /etc/hosts", "held"));
  end(SIGKILL);
  EXPECT_TRUE(becomesEmpty(kLookForAll));
}

TEST_F(ChangeCommandTest, SecondSyncSendsNothingAndDeleteKeepsWithinTheTarget) {
  std::filesystem::create_directories(directory_ + "/tree/d");
  std::ofstream(directory_ + "/tree/one") << "one";
  std::ofstream(directory_ + "/tree/d/two") << "two";
  std::string target = "@server:/var/tmp/synced";
  EXPECT_THAT(onCluster("sync", {directory_ + "/tree", target}),
              AllOf(exits(0), prints("server1:/var/tmp/synced: 2 files sent, 6 bytes")));
  EXPECT_THAT(
      onCluster("sync", {directory_ + "/tree", target}),
      AllOf(exits(0), prints("server2:/var/tmp/synced: 0 files sent, 0 bytes, 3 unchanged")));
  on("server1", "touch /var/tmp/beside /var/tmp/synced/more");
  EXPECT_THAT(onCluster("sync", {directory_ + "/tree", target, "--delete", "--json"}),
              AllOf(exits(0), prints("\"deleted\": 1"), prints("\"files\": 0")));
  EXPECT_EQ(on("server1", "ls /var/tmp/synced; ls /var/tmp/beside"), "d\none\n/var/tmp/beside\n");
  EXPECT_THAT(onCluster("sync", {"server1:/var/tmp/synced", "server2:/var/tmp/synced"}),
              AllOf(exits(0), prints("0 files sent")));
  EXPECT_THAT(onCluster("sync", {"server1:/var/tmp/synced", directory_ + "/back"}),
              AllOf(exits(0), prints("2 files sent")));
  EXPECT_THAT(onCluster("sync", {"server1:/var", "server1:/var/tmp"}),
              AllOf(exits(64), complains("one is within the other")));
  EXPECT_THAT(onCluster("sync", {"/nowhere", target}), AllOf(exits(66), complains("no directory")));
}

}  // namespace
}  // namespace command
