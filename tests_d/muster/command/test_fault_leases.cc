// A cut ends with the program that made it, however that ends, and whatever else is killed.
#include <signal.h>
#include <sys/wait.h>

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

constexpr std::chrono::seconds kWaitMax{20};

class FaultLeaseTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server[1-2]: {role: server}\n")}), exits(0));
    cutter_ = startProgram("muster-test-cutter", {cluster_, "server1", "2000"});
    ASSERT_TRUE(muster_tests::becomesTrue([this] { return !tables("server2").empty(); }, kWaitMax));
    ASSERT_TRUE(muster_tests::becomesTrue([this] { return isCut(); }, kWaitMax));
  }
  void TearDown() override {
    killCutter();
    OwnClusterTest::TearDown();
  }

  void killCutter() {
    if (cutter_ == 0) return;
    ::kill(cutter_, SIGKILL);
    ::waitpid(cutter_, nullptr, 0);
    cutter_ = 0;
  }
  std::string tables(const std::string& node) const {
    return onCluster("exec", {node, "--", "sh", "-c", "nft list tables | grep muster_; true"}).out;
  }
  bool isCut() const {
    return onCluster("exec", {"server2", "--", "ping", "-c", "1", "-W", "1", "-n", "server1"})
               .status != 0;
  }
  bool heals() const {
    return muster_tests::becomesTrue([this] { return !isCut(); }, kWaitMax);
  }

  pid_t cutter_ = 0;
};

// Longer than the lease: the keepers tell their kernels again.
TEST_F(FaultLeaseTest, CutLastsAsLongAsItsProgram) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(6);
  while (std::chrono::steady_clock::now() < end) ASSERT_TRUE(isCut());
  EXPECT_THAT(onCluster("fault list", {}), prints("active"));
  killCutter();
  EXPECT_TRUE(heals());
  EXPECT_TRUE(muster_tests::becomesTrue(
      [this] { return tables("server1").empty() && tables("server2").empty(); }, kWaitMax));
}

TEST_F(FaultLeaseTest, CutEndsWithAllProcessesOfTheAgents) {
  killCutter();
  for (std::string node : {"server1", "server2"}) {
    onCluster("exec", {node, "--", "pkill", "-KILL", "-f", "nodeagent"});
  }
  EXPECT_TRUE(heals());
}

// Nothing on the node runs any more, as if every process had been killed for good: its kernel has
// the last word.
TEST_F(FaultLeaseTest, KernelEndsTheCutWhereNoProcessCan) {
  FrozenNode frozen(cluster_, "server1");
  killCutter();
  EXPECT_TRUE(isCut());
  EXPECT_TRUE(heals());
}

}  // namespace
}  // namespace command
