#include "harness/report/run_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RunDiffTest : public ReportTest {
 protected:
  RunDiff diff() const { return diffOf(runs_.read("before"), runs_.read("after"), options_); }

  static std::vector<std::string> changesOf(const RunDiff& diff) {
    std::vector<std::string> changes;
    for (const TestChange& change : diff.tests) {
      changes.push_back(std::string(wordOf(change.kind)) + " " + change.test);
    }
    return changes;
  }

  // A log of one line each, recorded line by line.
  static void addLog(SampleRun& run, const std::vector<std::string>& lines) {
    std::string log = run.program().begin("log", "", {{"node", "server1"}, {"source", "kvd"}});
    for (const std::string& line : lines) run.program().add(log, "line", {{"text", line}});
    run.program().end(log);
  }

  DiffOptions options_;
};

TEST_F(RunDiffTest, TestsAreNewGoneFixedBrokenAndOther) {
  SampleRun before(runs_, "before");
  before.add("IsGone", "passed");
  before.add("IsFixed", "failed", "was wrong");
  before.add("Breaks", "passed");
  before.add("Changes", "failed");
  before.add("Stays", "passed");
  before.close();
  SampleRun after(runs_, "after");
  after.add("IsNew", "passed");
  after.add("IsFixed", "passed");
  after.add("Breaks", "failed", "is wrong\nin two lines");
  after.add("Changes", "crashed");
  after.add("Stays", "passed");
  after.close();
  RunDiff found = diff();
  EXPECT_THAT(changesOf(found), ElementsAre("broken kvd/KvTest.Breaks", "fixed kvd/KvTest.IsFixed",
                                            "other outcome kvd/KvTest.Changes",
                                            "new kvd/KvTest.IsNew", "gone kvd/KvTest.IsGone"));
  EXPECT_EQ(found.unchanged, 1u);
  EXPECT_EQ(found.tests[0].reason, "kv_test.cc:12: is wrong");
  EXPECT_THAT(textOf(found, options_),
              HasSubstr("broken: 1\n  kvd/KvTest.Breaks: passed before, failed now\n"));
}

TEST_F(RunDiffTest, DurationsCountBeyondAFactorAndATime) {
  SampleRun before(runs_, "before");
  before.add("IsSlower", "passed", "", 1, 1);
  before.add("IsFaster", "passed", "", 1, 9);
  before.add("IsLittleSlower", "passed", "", 1, 1);
  before.add("IsShort", "passed", "", 1, 0.01);
  before.close();
  SampleRun after(runs_, "after");
  after.add("IsSlower", "passed", "", 1, 2.5);
  after.add("IsFaster", "passed", "", 1, 4);
  after.add("IsLittleSlower", "passed", "", 1, 1.9);
  after.add("IsShort", "passed", "", 1, 0.1);
  after.close();
  EXPECT_THAT(changesOf(diff()),
              ElementsAre("slower kvd/KvTest.IsSlower", "faster kvd/KvTest.IsFaster"));
  EXPECT_THAT(textOf(diff(), options_), HasSubstr("KvTest.IsSlower: 1.000 s before, 2.500 s now"));
}

TEST_F(RunDiffTest, NewLogLinesAreThoseOfNoEarlierPattern) {
  SampleRun before(runs_, "before");
  addLog(before, {"took 5 ms", "peer 10.0.0.1:7400 is up"});
  before.close();
  SampleRun after(runs_, "after");
  addLog(after, {"took 77 ms", "peer 10.0.0.9:7401 is up", "peer 3 is lost", "peer 4 is lost"});
  after.close();
  RunDiff found = diff();
  ASSERT_EQ(found.newLines.size(), 1u);
  EXPECT_EQ(found.newLines[0].count, 2u);
  EXPECT_EQ(found.newLines[0].line, "peer 3 is lost");
  EXPECT_THAT(textOf(found, options_), HasSubstr("  2x server1 kvd: peer 3 is lost\n"));
}

TEST_F(RunDiffTest, WholeLogIsReadWhereItIsKept) {
  for (const char* id : {"before", "after"}) {
    SampleRun run(runs_, id);
    std::string log = run.program().begin(
        "log", "", {{"node", "server1"}, {"source", "kvd"}, {"path", "kvd_tests-1/kvd.log"}});
    run.program().end(log);
    run.close();
  }
  runs_.addFile("before", "kvd_tests-1/kvd.log", "start 1\n");
  runs_.addFile("after", "kvd_tests-1/kvd.log", "start 2\nassertion \xff failed");
  RunDiff found = diff();
  ASSERT_EQ(found.newLines.size(), 1u);
  EXPECT_THAT(textOf(found, options_), HasSubstr("assertion \\xff failed\n"));
  EXPECT_THAT(jsonOf(found, options_).dump(), HasSubstr("assertion \\\\xff failed"));
}

TEST_F(RunDiffTest, OutputIsBounded) {
  SampleRun before(runs_, "before");
  before.close();
  SampleRun after(runs_, "after");
  std::vector<std::string> lines;
  for (char c = 'a'; c <= 'z'; ++c) lines.push_back(std::string(3, c) + " went wrong");
  for (char c = 'a'; c <= 'z'; ++c) after.add(std::string("New") + c, "passed");
  addLog(after, lines);
  after.close();
  options_.shownMax = 5;
  std::string text = textOf(diff(), options_);
  EXPECT_THAT(text, HasSubstr("new: 26\n"));
  EXPECT_THAT(text, HasSubstr("new log lines: 26\n"));
  EXPECT_THAT(text, HasSubstr("  and 21 more\n"));
  EXPECT_THAT(text, Not(HasSubstr("Newz")));
  EXPECT_EQ(jsonOf(diff(), options_)["tests"].size(), 5u);
  EXPECT_EQ(jsonOf(diff(), options_)["counts"]["new"], 26);
}

TEST_F(RunDiffTest, RunHasNoDifferenceFromItself) {
  everything();
  RunDiff found = diffOf(runs_.read("all"), runs_.read("all"), options_);
  EXPECT_THAT(found.tests, IsEmpty());
  EXPECT_THAT(found.newLines, IsEmpty());
  EXPECT_EQ(found.unchanged, everyOutcome().size());
}

}  // namespace
}  // namespace harness::report
