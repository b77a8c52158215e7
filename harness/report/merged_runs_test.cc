#include "harness/report/merged_runs.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using run::Outcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MergedRunsTest : public ReportTest {
 protected:
  using Tests = std::vector<std::pair<std::string, std::string>>;

  // A run of these tests and outcomes.
  void addRun(const std::string& id, const Tests& tests, const run::Json& fields = {}) {
    SampleRun run(runs_, id, fields.is_object() ? fields : run::Json::object());
    for (const auto& [name, outcome] : tests) run.add(name, outcome);
    run.close();
  }

  static run::Json setting(const std::string& name, const std::string& value) {
    return {{"configuration", {{{"name", name}, {"value", value}, {"origin", "command line"}}}}};
  }

  static std::map<std::string, Outcome> outcomesOf(const MergedRuns& merged) {
    std::map<std::string, Outcome> outcomes;
    for (const Column& column : merged.columns) {
      for (const run::TestResult& test : column.result.tests) {
        outcomes[column.name + "/" + test.id()] = test.outcome;
      }
    }
    return outcomes;
  }

  static std::map<Outcome, size_t> totalsOf(const MergedRuns& merged) {
    std::map<Outcome, size_t> totals;
    for (int i = 0; i < run::kOutcomeCount; ++i) {
      totals[static_cast<Outcome>(i)] = merged.count(static_cast<Outcome>(i));
    }
    return totals;
  }
};

TEST_F(MergedRunsTest, TwoShardsEqualASingleRun) {
  Tests all = {{"A", "passed"}, {"B", "failed"}, {"C", "skipped"}, {"D", "infrastructure"}};
  addRun("single", all);
  addRun("shard1", {all[0], all[2]}, setting("shard", "1/2"));
  addRun("shard2", {all[1], all[3]}, setting("shard", "2/2"));
  MergedRuns single = runs_.merged({"single"});
  MergedRuns merged = runs_.merged({"shard1", "shard2"});
  EXPECT_EQ(outcomesOf(merged), outcomesOf(single));
  EXPECT_EQ(totalsOf(merged), totalsOf(single));
  EXPECT_EQ(merged.exitStatus, single.exitStatus);
  EXPECT_EQ(merged.columns.size(), 1u);
  EXPECT_THAT(merged.remarks, IsEmpty());
}

TEST_F(MergedRunsTest, EveryOutcomeSurvivesWithAnotherShard) {
  MergedRuns single = everything();
  addRun("other", {{"Other", "passed"}});
  MergedRuns merged = runs_.merged({"other", "all"});
  auto expected = outcomesOf(single);
  expected["/kvd/KvTest.Other"] = Outcome::kPassed;
  EXPECT_EQ(outcomesOf(merged), expected);
  EXPECT_EQ(merged.exitStatus, single.exitStatus);
}

TEST_F(MergedRunsTest, WorseOutcomeCountsAndIsSaid) {
  addRun("one", {{"A", "passed"}, {"B", "passed"}});
  addRun("two", {{"A", "failed"}});
  MergedRuns merged = runs_.merged({"one", "two"});
  const run::TestResult& test = merged.columns[0].result.tests[0];
  EXPECT_EQ(test.outcome, Outcome::kFailed);
  EXPECT_EQ(test.attempts.size(), 2u);
  EXPECT_THAT(merged.columns[0].runOfAttempt[0], ElementsAre(0, 1));
  EXPECT_EQ(merged.exitStatus, 1);
  EXPECT_THAT(merged.remarks, ElementsAre("1 test differed; the worse counts: kvd/KvTest.A (passed "
                                          "in one, failed in two)"));
}

TEST_F(MergedRunsTest, TestThatRanNowhereIsSaid) {
  addRun("one", {{"A", "passed"}});
  SampleRun run(runs_, "two");
  run.add("B", "passed");
  run.runner().abort(run.announce("C"), "the program ended before it");
  run.close();
  MergedRuns merged = runs_.merged({"one", "two"});
  EXPECT_THAT(merged.remarks, ElementsAre("1 test ran nowhere: kvd/KvTest.C"));
  EXPECT_EQ(merged.exitStatus, 1);
}

TEST_F(MergedRunsTest, MissingShardIsSaidAndNotGreen) {
  addRun("one", {{"A", "passed"}}, setting("shard", "1/3"));
  addRun("three", {{"B", "passed"}}, setting("shard", "3/3"));
  MergedRuns merged = runs_.merged({"one", "three"});
  EXPECT_THAT(merged.remarks, ElementsAre("shard 2 of 3 is missing"));
  EXPECT_EQ(merged.exitStatus, 1);
  EXPECT_THAT(outsideProblemsOf(merged, merged.columns[0])[0].text,
              HasSubstr("shard 2 of 3 is missing"));
}

TEST_F(MergedRunsTest, ShardsOfGtestNameThemselves) {
  run::Json second = {{"configuration",
                       {{{"name", "GTEST_SHARD_INDEX"}, {"value", "1"}},
                        {{"name", "GTEST_TOTAL_SHARDS"}, {"value", "2"}}}}};
  addRun("second", {{"A", "passed"}}, second);
  addRun("third", {{"B", "passed"}});
  EXPECT_THAT(runs_.merged({"second", "third"}).remarks, ElementsAre("shard 1 of 2 is missing"));
}

TEST_F(MergedRunsTest, TopologiesAreColumns) {
  addRun("a", {{"A", "passed"}, {"B", "passed"}}, setting("topology", "three"));
  addRun("b", {{"A", "failed"}}, setting("topology", "five"));
  MergedRuns merged = runs_.merged({"a", "b"});
  ASSERT_EQ(merged.columns.size(), 2u);
  EXPECT_EQ(merged.columns[0].name, "three");
  EXPECT_EQ(merged.columns[0].result.exitStatus, 0);
  EXPECT_EQ(merged.columns[1].result.exitStatus, 1);
  EXPECT_EQ(merged.exitStatus, 1);
  EXPECT_THAT(merged.remarks, ElementsAre("1 test of other columns missing in five: kvd/KvTest.B"));
}

TEST_F(MergedRunsTest, AnotherPropertyMayTellColumnsApart) {
  addRun("a", {{"A", "passed"}}, setting("product", "1.0"));
  addRun("b", {{"A", "passed"}}, setting("product", "2.0"));
  std::vector<run::RunRecord> runs = {runs_.read("a"), runs_.read("b")};
  EXPECT_EQ(mergeRuns(std::move(runs), "product").columns.size(), 2u);
  EXPECT_EQ(runs_.merged({"a", "b"}).columns.size(), 1u);
}

TEST_F(MergedRunsTest, CutShardIsNotGreen) {
  cut();
  addRun("good", {{"A", "passed"}});
  MergedRuns merged = runs_.merged({"good", "cut"});
  EXPECT_FALSE(merged.columns[0].result.isWhole);
  EXPECT_NE(merged.exitStatus, 0);
  EXPECT_EQ(outsideProblemsOf(merged, merged.columns[0])[0].name, "record");
}

TEST_F(MergedRunsTest, RunThatGoesOnIsNotGreen) {
  SampleRun run(runs_, "r");
  run.add("A", "passed");
  MergedRuns merged = runs_.merged({"r"});
  std::vector<OutsideProblem> problems = outsideProblemsOf(merged, merged.columns[0]);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].text, "the run r goes on: this is what it was until now");
  EXPECT_EQ(problems[0].outcome, Outcome::kNotRun);
  run.close();
  merged = runs_.merged({"r"});
  EXPECT_THAT(outsideProblemsOf(merged, merged.columns[0]), IsEmpty());
}

TEST_F(MergedRunsTest, TimesAreThoseSinceTheFirstRun) {
  addRun("early", {{"A", "passed"}});
  addRun("late", {{"B", "passed"}});
  MergedRuns merged = runs_.merged({"late", "early"});
  EXPECT_GT(merged.shiftOf(0), 0);
  EXPECT_EQ(merged.shiftOf(1), 0);
  EXPECT_GE(merged.columns[0].result.tests[0].attempts[0].begin, merged.shiftOf(0));
}

TEST_F(MergedRunsTest, FailureOutsideOfTestsIsAProblem) {
  SampleRun run(runs_, "r");
  run.add("A", "passed");
  run.runner().add(run.run(), "failure", {{"text", "no cluster"}, {"infrastructure", true}});
  run.close();
  MergedRuns merged = runs_.merged({"r"});
  std::vector<OutsideProblem> problems = outsideProblemsOf(merged, merged.columns[0]);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].text, "no cluster");
  EXPECT_EQ(problems[0].outcome, Outcome::kInfrastructure);
  EXPECT_EQ(merged.exitStatus, 2);
}

}  // namespace
}  // namespace harness::report
