// Whether a suite is skipped, with the reason, on nodes that cannot bear what it needs.
#include <filesystem>
#include <fstream>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/shell.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class NeedsTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server[1-2]: {role: server}\n")}), exits(0));
  }

  // Runs a suite of the program on a cluster, and returns what it says.
  std::string run(const std::string& suite, const std::string& cluster) const {
    auto programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    return muster_tests::runShell("exec " + (programs / "muster-test-waiter").string() +
                                      " --gtest_filter=" + suite + ".* --cluster=" + cluster,
                                  std::chrono::seconds(60))
        .output;
  }
};

TEST_F(NeedsTest, NodesThatCanDoItRunTheSuite) {
  EXPECT_THAT(run("PowerNeedsTest", cluster_), HasSubstr("BODY RAN"));
  EXPECT_THAT(run("NetworkNeedsTest", cluster_), HasSubstr("BODY RAN"));
}

TEST_F(NeedsTest, NodeThatLacksAProgramOrMemorySkipsIt) {
  ASSERT_THAT(onCluster("exec", {"server2", "--", "rm", "/usr/sbin/nft"}), exits(0));
  EXPECT_THAT(run("NetworkNeedsTest", cluster_),
              AllOf(HasSubstr("Skipped"), HasSubstr("needs nodes for network faults: "),
                    HasSubstr("nft"), Not(HasSubstr("BODY RAN"))));
  EXPECT_THAT(run("MemoryNeedsTest", cluster_),
              AllOf(HasSubstr("Skipped"), HasSubstr("bytes of memory, and node server1 has"),
                    Not(HasSubstr("BODY RAN"))));
}

TEST_F(NeedsTest, MachinesThatNobodyPowersSkipIt) {
  std::string listed = onCluster("nodes", {"server1", "--json"}).out;
  std::smatch address;
  std::regex pattern(R"~("endpoint": "([^"]+)")~");
  ASSERT_TRUE(std::regex_search(listed, address, pattern)) << listed;
  std::string path = directory_ + "/static.yaml";
  std::ofstream(path) << "provisioner: static\nnodes:\n  server1: {role: server, address: \"unix:"
                      << address[1].str() << "\"}\n";
  EXPECT_THAT(run("PowerNeedsTest", path),
              AllOf(HasSubstr("Skipped"), HasSubstr("needs nodes for power: "), HasSubstr("static"),
                    Not(HasSubstr("BODY RAN"))));
}

}  // namespace
}  // namespace command
