// Which earlier tests `muster bisect` finds to make a later one fail.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/runs/component.h"

namespace runs {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

class BisectTest : public RunDirectoryTest {
 protected:
  BisectTest() : RunDirectoryTest("polluted") {}

  // Runs tests of the program, and then the command.
  Ended bisect(const std::string& run, const std::string& words) const {
    return script(muster_ + " run --bin-dir bin " + run + " >r 2>&1; " + muster_ +
                  " bisect latest " + words);
  }
};

TEST_F(BisectTest, TestOfTheSameProcessIsFound) {
  Ended ended = bisect("'Memory.*' --process-for program", "Memory.FailsAfterOne --again 1");
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("step-001: after 5 of 5 earlier tests, polluted/Memory.Innocent to "
                              "polluted/Memory.LastInnocent: failed ("),
                    HasSubstr("step-002: alone: passed ("),
                    HasSubstr("this test makes polluted/Memory.FailsAfterOne fail:\n"
                              "  polluted/Memory.LoadsMore\n")));
  // The command that it shows does what it says.
  std::string command = ended.out.substr(ended.out.find("to repeat:\n  muster ") + 19);
  Ended again = script(muster_ + " " + command);
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.err, AllOf(HasSubstr("2 tests: 1 passed, 1 failed")));
}

TEST_F(BisectTest, TestsThatHurtTogetherAreFound) {
  Ended ended = bisect("'Memory.*' --process-for program", "Memory.FailsAfterTwo --again 1");
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("these tests together make polluted/Memory.FailsAfterTwo fail, "
                                   "and none can be left out:\n  polluted/Memory.Loads\n  "
                                   "polluted/Memory.LoadsMore\n"));
}

TEST_F(BisectTest, FileOfAnotherProcessIsFound) {
  Ended ended = bisect("'?Files.*'", "EFiles.Fails --again 2 --json");
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("\"ending\": \"found\""),
                               HasSubstr("\"tests\": [\n    \"polluted/CFiles.Leaves\"\n  ]")));
  EXPECT_THAT(ended.err, HasSubstr("step-001: "));
}

TEST_F(BisectTest, ProgramThatWasStartedByHandIsBisected) {
  Ended ended = script("bin/polluted_tests --gtest_filter='Memory.*' >r 2>&1; " + muster_ +
                       " bisect latest Memory.FailsAfterOne --again 1");
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("fail:\n  polluted/Memory.LoadsMore\n"));
}

TEST_F(BisectTest, EndingsThatProveNothingAreSaid) {
  Ended ended = bisect("Memory.Innocent Other.FailsOnce", "Other.FailsOnce");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("fails no more after the earlier tests"));
  ended = bisect("Memory.Innocent Other.FailsAlone", "Other.FailsAlone");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("fails alone: no earlier test"));
  ended = bisect("Memory.Innocent Other.Flickers", "Other.Flickers");
  EXPECT_EQ(ended.status, 1) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("is flaky"));
}

TEST_F(BisectTest, RunsAreBounded) {
  Ended ended = bisect("'Memory.*' --process-for program",
                       "Memory.FailsAfterOne --again 1 --max-runs 3 --into b");
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, HasSubstr("--max-runs is over"));
  EXPECT_TRUE(fs::exists(directory_ + "/b/step-003/records"));
  EXPECT_FALSE(fs::exists(directory_ + "/b/step-004"));
}

TEST_F(BisectTest, WhatCannotBeBisectedIsRefused) {
  Ended ended = bisect("Other.Passes", "Other.Passes");
  EXPECT_EQ(ended.status, 65);
  EXPECT_THAT(ended.err, HasSubstr("did not fail in run"));
  EXPECT_EQ(muster("bisect latest Other.NoSuch").status, 66);
  EXPECT_EQ(muster("bisect no-such-run Other.Passes").status, 66);
}

}  // namespace
}  // namespace runs
