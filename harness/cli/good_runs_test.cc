// Which run a failed test is compared with.
#include "harness/cli/good_runs.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/cli/muster.h"
#include "harness/cli/show_words.h"
#include "harness/os/files.h"
#include "harness/report/html_testing.h"
#include "harness/report/sample_runs_testing.h"

namespace harness {
namespace {

using report::SampleRun;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Runs of one directory, each with the test kvd/KvTest.Heals.
class GoodRunsTest : public testing::Test {
 protected:
  // `line` is in the log of the test; empty: it has kept no log.
  void add(const std::string& id, const std::string& outcome, const std::string& line) {
    SampleRun run(runs_, id);
    std::string test = run.begin("Heals");
    if (!line.empty()) {
      std::string log =
          run.program().begin("log", test, {{"node", "server1"}, {"source", "kvd.log"}});
      run.program().add(log, "line", {{"text", line}});
      run.program().end(log);
    }
    run.program().end(test, {{"outcome", outcome}});
    run.close();
  }

  std::optional<report::NewLines> newLines(const std::string& id) const {
    run::RunRecord record = runs_.read(id);
    run::RunResult result = run::resultOf(record);
    return GoodRuns(record).newLinesOf(result.tests.at(0));
  }

  // From now on, the directory has an index of its runs.
  void makeIndex() const { std::ofstream(runs_.root() + "/index.db"); }

  report::SampleRuns runs_;
};

TEST_F(GoodRunsTest, LastGreenRunWithLinesIsComparedWith) {
  add("a", "passed", "up");
  add("b", "passed", "up");
  add("c", "passed", "");
  add("d", "failed", "lost the leader");
  add("e", "failed", "lost the leader");
  add("f", "passed", "lost the leader");
  auto found = newLines("e");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->comparedWith, "b");
  ASSERT_EQ(found->lines.size(), 1u);
  EXPECT_EQ(found->lines[0].line, "lost the leader");
}

TEST_F(GoodRunsTest, IndexFindsTheSameRun) {
  add("a", "passed", "up");
  // More runs than are looked at one by one.
  for (char id = 'b'; id < 'm'; ++id) add(std::string(1, id), "failed", "lost the leader");
  EXPECT_FALSE(newLines("l"));
  makeIndex();
  auto found = newLines("l");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->comparedWith, "a");
}

TEST_F(GoodRunsTest, GreenTestAndTestWithoutLinesAreNotCompared) {
  add("a", "passed", "up");
  add("b", "passed", "lost the leader");
  add("c", "failed", "");
  EXPECT_FALSE(newLines("b"));
  EXPECT_FALSE(newLines("c"));
}

TEST_F(GoodRunsTest, ShowNamesTheLinesAndTheRun) {
  add("a", "passed", "up");
  add("b", "failed", "lost the leader");
  ShownRun shown = shownRun(runs_.directoryOf("b"));
  std::string text = testText(shown, shown.result.tests.at(0));
  EXPECT_THAT(text, AllOf(HasSubstr("log lines that are new since its last green run, a: 1\n"
                                    "  1x server1 kvd.log: lost the leader\n"),
                          Not(HasSubstr("up\n"))));
  Json json = testJson(shown, shown.result.tests.at(0));
  EXPECT_EQ(json["new_log_lines"]["compared_with"], "a");
  EXPECT_EQ(json["new_log_lines"]["lines"][0]["text"], "lost the leader");
}

TEST_F(GoodRunsTest, PageShowsThem) {
  add("a", "passed", "up");
  add("b", "failed", "lost the leader");
  testing::internal::CaptureStdout();
  EXPECT_EQ(runMuster({"report", runs_.directoryOf("b")}), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("b/report.html"));
  report::ReadReport page(readFile(runs_.directoryOf("b") + "/report.html"));
  EXPECT_EQ(page.test(0)["newLines"]["run"], "a");
}

}  // namespace
}  // namespace harness
