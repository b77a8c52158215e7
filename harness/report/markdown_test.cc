#include "harness/report/markdown.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/report/sample_runs_testing.h"

namespace harness::report {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class MarkdownTest : public ReportTest {};

TEST_F(MarkdownTest, SummaryHasCountsAndWhatDidNotPass) {
  std::string text = write("markdown", everything());
  EXPECT_THAT(text, StartsWith("## Muster: ❌ failed\n"));
  EXPECT_THAT(text, HasSubstr("| timed out | 1 |\n"));
  EXPECT_THAT(text, HasSubstr("seed `4711`, revision `0123456789ab` with changes"));
  EXPECT_THAT(text, HasSubstr("### `kvd/KvTest.Fails`: failed\n"));
  EXPECT_THAT(text, HasSubstr("### `kvd/KvTest.IsFlaky`: flaky\n"));
  EXPECT_THAT(text, HasSubstr("attempts: failed, passed"));
  EXPECT_THAT(text, Not(HasSubstr("### `kvd/KvTest.Passes`")));
  EXPECT_LT(text.find("KvTest.Crashes"), text.find("KvTest.IsFlaky"));
}

TEST_F(MarkdownTest, FailureCannotLeaveItsFence) {
  SampleRun run(runs_, "r");
  run.add("Fails", "failed", "before\n```\n# injected\n````\n<script>");
  run.close();
  std::string text = write("markdown", runs_.merged({"r"}));
  EXPECT_THAT(
      text,
      HasSubstr("`````text\nkv_test.cc:12: before\n```\n# injected\n````\n<script>\n`````\n"));
}

TEST_F(MarkdownTest, CodeIsNotRead) {
  EXPECT_EQ(markdownCode("a_b"), "`a_b`");
  EXPECT_EQ(markdownCode("a`b"), "``` a`b ```");
  EXPECT_EQ(markdownCode("a|b\n"), "`a/b\\n`");
}

TEST_F(MarkdownTest, LinksLeadBelowTheAddress) {
  SampleRun run(runs_, "r");
  std::string test = run.begin("Fails");
  std::string log = run.program().begin("artifact", test, {{"path", "kvd_tests-1/a b.log"}});
  run.program().end(log);
  run.program().end(test, {{"outcome", "failed"}});
  run.close();
  std::string text = findFormat("markdown")->write(runs_.merged({"r"}), {.url = "https://ci/r"});
  EXPECT_THAT(text, HasSubstr("* [`kvd_tests-1/a b.log`](https://ci/r/kvd_tests-1/a%20b.log)\n"));
}

TEST_F(MarkdownTest, TextIsBoundedAndSaysWhatItLeavesOut) {
  SampleRun run(runs_, "r");
  for (int i = 0; i < 400; ++i) {
    run.add("Fails" + std::to_string(i), "failed", std::string(500, 'x'));
  }
  run.close();
  std::string text = write("markdown", runs_.merged({"r"}));
  EXPECT_LT(text.size(), kMarkdownBytesMax + 200);
  EXPECT_THAT(text, HasSubstr(" more are left out"));
  EXPECT_THAT(text, HasSubstr("| failed | 400 |"));
}

TEST_F(MarkdownTest, LongFailureShowsItsFirstLines) {
  SampleRun run(runs_, "r");
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += "line " + std::to_string(i) + "\n";
  run.add("Fails", "failed", lines);
  run.close();
  std::string text = write("markdown", runs_.merged({"r"}));
  EXPECT_THAT(text, HasSubstr("line 11\n… 18 more lines\n"));
}

TEST_F(MarkdownTest, CutAndEmptyRunsSaySo) {
  EXPECT_THAT(write("markdown", cut()), HasSubstr("### record: infrastructure\n"));
  EXPECT_THAT(write("markdown", empty()), StartsWith("## Muster: ⚠️ nothing ran\n"));
}

}  // namespace
}  // namespace harness::report
