// Nothing of a cluster stays on the machine, whichever of its processes is killed, and whenever.
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

using ::testing::HasSubstr;

constexpr char kTwo[] = "  server[1-2]: {role: server}\n";

// Waits until nothing of the cluster is left, and returns the leftovers after ten seconds.
std::string awaitNothing(const std::string& cluster) {
  std::string left;
  muster_tests::becomesTrue([&] { return (left = leftoversOf(cluster)).empty(); },
                            std::chrono::seconds(10));
  return left;
}

class LeftoversTest : public OwnClusterTest {};

TEST_F(LeftoversTest, NodesEndWithAKilledHubAndGcRemovesTheRest) {
  ASSERT_EQ(muster({"up", file(kTwo)}).status, 0);
  ::kill(hubOf(cluster_), SIGKILL);
  EXPECT_THAT(onCluster("nodes", {}).err, HasSubstr("no running local cluster"));
  Ended collected = muster({"gc"});
  EXPECT_THAT(collected.out, HasSubstr(cluster_ + ": collected"));
  EXPECT_EQ(awaitNothing(cluster_), "");
}

// The commands run where no other cluster of this machine is seen, because "down" without a name
// would take it for the one that is meant.
TEST_F(LeftoversTest, DownRemovesTheLeftoversOfAKilledHub) {
  std::string muster = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
  std::string run = "/run/muster/" + cluster_;
  Ended ended = runProgram(
      "/usr/bin/unshare",
      {"--mount", "sh", "-c",
       "mount -t tmpfs run /run && mount -t tmpfs lib /var/lib && " + muster + " up " + file(kTwo) +
           " >/dev/null && read hub start <" + run + "/hub.pid && " +
           "kill -9 $hub && flock --wait 10 --shared " + run + " true && " + muster +
           " exec server1 -- true; " + muster + " down; ls -d /run/muster /var/lib/muster"});
  EXPECT_THAT(ended.err, HasSubstr("a killed one has left files, which \"muster down\" removes"));
  EXPECT_EQ(ended.out, cluster_ + ": down\n");
}

TEST_F(LeftoversTest, UpRemovesTheLeftoversOfAKilledHub) {
  ASSERT_EQ(muster({"up", file(kTwo)}).status, 0);
  ::kill(hubOf(cluster_), SIGKILL);
  Ended again = muster({"up", file(kTwo)});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(onCluster("nodes", {}).status, 0);
}

TEST_F(LeftoversTest, NothingStaysWhenUpIsKilled) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    pid_t caller = startProgram("muster", {"up", file(kTwo)});
    pid_t hub = hubOf(cluster_);
    ASSERT_NE(hub, 0);
    muster_tests::letPass(std::chrono::milliseconds(attempt * 5));
    ::kill(caller, SIGKILL);
    ::waitpid(caller, nullptr, 0);
    // The cluster may have been up before the kill. Then it stays, as it should.
    muster({"down", cluster_});
    ASSERT_EQ(awaitNothing(cluster_), "") << "killed " << attempt * 5 << " ms after the hub began";
  }
}

TEST_F(LeftoversTest, GcRemovesTheRestWhenTheHubIsKilledDuringDown) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    ASSERT_EQ(muster({"up", file(kTwo)}).status, 0);
    pid_t hub = hubOf(cluster_);
    pid_t caller = startProgram("muster", {"down", cluster_});
    muster_tests::letPass(std::chrono::milliseconds(attempt * 4));
    ::kill(hub, SIGKILL);
    ::waitpid(caller, nullptr, 0);
    muster({"gc"});
    ASSERT_EQ(awaitNothing(cluster_), "") << "killed after " << attempt * 4 << " ms";
  }
}

TEST_F(LeftoversTest, KilledAgentIsStartedAgain) {
  ASSERT_EQ(muster({"up", file(kTwo)}).status, 0);
  std::string kill = "kill -9 $(pgrep -x nodeagent | grep -vx 1) & exit 0";
  onCluster("exec", {"server1", "--", "sh", "-c", kill});
  EXPECT_EQ(onCluster("nodes", {"--connect-timeout", "10s"}).status, 0);
}

}  // namespace
}  // namespace command
