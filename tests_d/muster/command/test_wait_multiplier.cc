// Whether `muster run --wait-multiplier` reaches every wait of a test on real nodes.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class WaitMultiplierTest : public OwnClusterTest {
 protected:
  Ended run(const std::string& factor, const std::string& test) const {
    namespace fs = std::filesystem;
    fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "muster-test-waiter";
    fs::remove(directory_ + "/x_tests");
    fs::create_symlink(program, directory_ + "/x_tests");
    return muster({"run", "--cluster", file("  server1: {role: server}\n"), "--bin-dir", directory_,
                   "--run-dir", directory_ + "/run" + std::to_string(++runs_), "--live",
                   "--wait-multiplier", factor, "--", "--gtest_filter=WaiterTest." + test});
  }

  mutable int runs_ = 0;
};

TEST_F(WaitMultiplierTest, WaitsInVainSayBothLimits) {
  Ended ended = run("2", "WaitsInVain");
  EXPECT_THAT(ended, exits(1));
  const std::string both = R"(\(300 ms times 2 by --wait-multiplier\))";
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("(100 ms times 2 by --wait-multiplier); the last saw 7"),
                    ContainsRegex("log: .*no such line within [56].. ms " + both),
                    ContainsRegex("line: .*no line within 600 ms " + both),
                    ContainsRegex("end: .*still running after 600 ms " + both),
                    ContainsRegex("port: .*" + both), ContainsRegex("event: .*" + both)));
  EXPECT_THAT(ended.out, AllOf(ContainsRegex("daemon: .*not ready.*" + both),
                               ContainsRegex("scope: .*killed after [56].. ms")));
}

TEST_F(WaitMultiplierTest, WhatComesLateIsSeenWithAFactorOnly) {
  EXPECT_THAT(run("10", "WaitsForWhatComesLate"), exits(0));
  EXPECT_THAT(run("1", "WaitsForWhatComesLate"), exits(1));
}

TEST_F(WaitMultiplierTest, WrongFactorIsRefusedBeforeNodesAreMade) {
  Ended ended = run("0", "WaitsInVain");
  EXPECT_THAT(ended, exits(64));
  EXPECT_THAT(ended, complains("--wait-multiplier: \"0\" is not a number from 0.01 to 100"));
}

}  // namespace
}  // namespace command
