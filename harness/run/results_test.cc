#include "harness/run/results.h"

#include <stdlib.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/run/blame.h"
#include "harness/run/record_writer.h"
#include "harness/run/run_directory.h"
#include "schema/support/base/exit_status.h"

namespace harness::run {
namespace {

using namespace std::chrono_literals;
using enum support::TestExitStatus;
using testing::HasSubstr;
using testing::Optional;

class ResultsTest : public testing::Test {
 protected:
  ResultsTest() {
    char pattern[] = "/tmp/muster-results-XXXXXX";
    directory_ = mkdtemp(pattern);
    makeRunDirectory(directory_, "r1");
  }
  ~ResultsTest() override { std::filesystem::remove_all(directory_); }

  RecordWriter writer(const std::string& name, const std::string& role) const {
    return RecordWriter(recordPath(directory_, name),
                        {{"role", role}, {"run", "r1"}, {"component", "kvd"}});
  }

  static Json test(const std::string& name, int attempt = 1) {
    return {{"component", "kvd"}, {"suite", "KvTest"}, {"name", name}, {"attempt", attempt}};
  }

  static void endTest(RecordWriter& writer, const std::string& name, const std::string& outcome,
                      int attempt = 1, const std::string& because = "") {
    std::string id = writer.begin("test", "", test(name, attempt));
    Json fields = {{"outcome", outcome}};
    if (!because.empty()) fields["because"] = because;
    writer.end(id, fields);
  }

  RunResult result() const { return resultOf(readRun(directory_)); }

  std::string directory_;
};

TEST_F(ResultsTest, WorseOfProgramAndRunnerCounts) {
  RecordWriter runner = writer("muster", "runner");
  RecordWriter program = writer("kvd_tests-1", "program");
  endTest(program, "A", "passed");
  endTest(runner, "A", "crashed", 1, "signal 11");
  endTest(program, "B", "failed");
  endTest(runner, "B", "passed");
  runner.close("");
  program.close("");
  RunResult run = result();
  ASSERT_EQ(run.tests.size(), 2u);
  EXPECT_EQ(run.tests[0].outcome, Outcome::kCrashed);
  EXPECT_EQ(run.tests[0].because, "signal 11");
  EXPECT_EQ(run.tests[1].outcome, Outcome::kFailed);
  EXPECT_EQ(run.exitStatus, kExitFailed);
}

TEST_F(ResultsTest, ExonerationStandsBesideTheResult) {
  RecordWriter runner = writer("muster", "runner");
  std::string item = runner.begin("run", "");
  endTest(runner, "A", "failed");
  endTest(runner, "A", "passed", 2);
  EXPECT_EQ(result().tests.at(0).outcome, Outcome::kFailed);
  runner.add(item, "exonerated",
             {{"test", "kvd/KvTest.A"}, {"kind", "flaky"}, {"because", "attempt 2 passed"}});
  runner.end(item);
  runner.close("");
  RunResult run = result();
  EXPECT_EQ(run.tests.at(0).outcome, Outcome::kFlaky);
  EXPECT_EQ(run.tests[0].attempts.size(), 2u);
  EXPECT_EQ(run.tests[0].attempts[0].outcome, Outcome::kFailed);
  EXPECT_EQ(run.exitStatus, kExitPassed);
}

TEST_F(ResultsTest, FailureOnProbationIsWaivedAndKept) {
  RecordWriter runner = writer("muster", "runner");
  std::string item = runner.begin("run", "");
  endTest(runner, "A", "failed");
  runner.add(item, "exonerated", {{"test", "kvd/KvTest.A"}, {"kind", "probation"}});
  runner.end(item);
  runner.close("");
  RunResult run = result();
  EXPECT_EQ(run.tests.at(0).outcome, Outcome::kWaived);
  EXPECT_EQ(run.tests[0].attempts[0].outcome, Outcome::kFailed);
  EXPECT_EQ(run.exitStatus, kExitPassed);
}

TEST_F(ResultsTest, TestThatNoRecordEndsHasNotPassed) {
  {
    RecordWriter runner = writer("muster", "runner");
    runner.announce("test", "", test("Waits"));
    runner.begin("test", "", test("Runs"));
  }
  RunResult run = result();
  EXPECT_EQ(run.tests.at(0).outcome, Outcome::kNotRun);
  EXPECT_EQ(run.tests.at(1).outcome, Outcome::kCrashed);
  EXPECT_FALSE(run.isWhole);
  EXPECT_EQ(run.exitStatus, kExitFailed);
}

TEST_F(ResultsTest, RecordThatIsMissingOrDamagedIsNoSuccess) {
  RecordWriter runner = writer("muster", "runner");
  endTest(runner, "A", "passed");
  std::string program = runner.begin("program", "", {{"writer", "kvd_tests-1"}});
  runner.end(program);
  runner.close("");
  RunRecord record = readRun(directory_);
  EXPECT_THAT(record.problems, testing::ElementsAre("kvd_tests-1: the program has left no record"));
  EXPECT_EQ(resultOf(record).exitStatus, kExitInfrastructure);
}

// The test that crashed is retried: all is known, and the run is green.
TEST_F(ResultsTest, EndOfAProgramThatTheRunnerTellsLeavesTheRecordWhole) {
  RecordWriter runner = writer("muster", "runner");
  std::string item = runner.begin("run", "");
  std::string program = runner.begin("program", item, {{"writer", "kvd_tests-1"}});
  {
    RecordWriter killed = writer("kvd_tests-1", "program");
    killed.begin("test", "", test("A"));
  }
  endTest(runner, "A", "crashed", 1, "signal 11");
  EXPECT_FALSE(result().isWhole);
  runner.end(program, {{"because", "signal 11"}});
  endTest(runner, "A", "passed", 2);
  runner.add(item, "exonerated", {{"test", "kvd/KvTest.A"}, {"kind", "flaky"}});
  runner.end(item);
  runner.close("");
  EXPECT_TRUE(result().isWhole);
  EXPECT_EQ(result().exitStatus, kExitPassed);
}

TEST_F(ResultsTest, TestsOfNestedProgramsAreNoneOfTheRun) {
  RecordWriter program = writer("kvd_tests-1", "program");
  RecordWriter nested = writer("x-2", "nested");
  endTest(program, "A", "passed");
  endTest(nested, "B", "failed");
  program.close("");
  RunResult run = result();
  ASSERT_EQ(run.tests.size(), 1u);
  EXPECT_EQ(run.exitStatus, kExitPassed);
}

TEST(OutcomeTest, ExitStatusIsThatOfTheWorst) {
  using enum Outcome;
  EXPECT_EQ(exitStatusOf({}), kExitNothingRan);
  EXPECT_EQ(exitStatusOf({kSkipped, kSkipped}), kExitNothingRan);
  EXPECT_EQ(exitStatusOf({kSkipped, kPassed}), kExitPassed);
  EXPECT_EQ(exitStatusOf({kFlaky}), kExitPassed);
  EXPECT_EQ(exitStatusOf({kPassed, kNotRun}), kExitFailed);
  EXPECT_EQ(exitStatusOf({kPassed, kCancelled, kNotRun}), kExitCancelled);
  EXPECT_EQ(exitStatusOf({kInfrastructure, kCancelled}), kExitInfrastructure);
  for (Outcome worst : {kFailed, kCrashed, kTimedOut, kPolluted}) {
    EXPECT_EQ(exitStatusOf({kPassed, kInfrastructure, kCancelled, worst}), kExitFailed);
  }
}

TEST(OutcomeTest, WordsComeBack) {
  for (int i = 0; i < kOutcomeCount; ++i) {
    auto outcome = static_cast<Outcome>(i);
    EXPECT_EQ(outcomeOf(wordOf(outcome)), outcome);
  }
  EXPECT_EQ(outcomeOf("green"), std::nullopt);
}

TEST(BlameTest, NodeLostBeforeTheFirstFailureOutranksIt) {
  auto failure = std::chrono::steady_clock::now();
  NodeLoss before{.node = "s2", .lastHeard = failure - 5s, .reason = "no answer"};
  NodeLoss later{.node = "s1", .lastHeard = failure + 5s};
  EXPECT_THAT(lostBefore(failure, {later, before}),
              Optional(HasSubstr("node s2 was lost before the first failure: it answered last "
                                 "5.0 s earlier (no answer)")));
  EXPECT_EQ(lostBefore(failure, {later}), std::nullopt);
  EXPECT_NE(lostBefore(failure, {{.node = "s1", .lastHeard = failure}}), std::nullopt);
}

}  // namespace
}  // namespace harness::run
