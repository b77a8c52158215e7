#include "schema/support/base/test_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace support {
namespace {

using Result = TestRecord::Result;

TEST(TestJournalTest, TellsWhichTestWasRunningWhenTheProgramWasKilled) {
  TestRecord failed{"A", "Fails", Result::kFailed, 0.25, "a.cc:1\n\tleft\\right"};
  std::string text = beginLine("A", "Fails") + endLine(failed) + beginLine("All/B", "Hangs/0");
  TestJournal journal = parseTestJournal(text);
  ASSERT_EQ(journal.tests.size(), 2u);
  EXPECT_EQ(journal.tests[0].result, Result::kFailed);
  EXPECT_EQ(journal.tests[0].seconds, 0.25);
  EXPECT_EQ(journal.tests[0].text, failed.text);
  EXPECT_EQ(journal.tests[1].suite, "All/B");
  EXPECT_EQ(journal.tests[1].name, "Hangs/0");
  EXPECT_EQ(journal.tests[1].result, Result::kRunning);
  EXPECT_FALSE(journal.isComplete);
  EXPECT_TRUE(parseTestJournal(text + completeLine()).isComplete);
}

TEST(TestJournalTest, CutAndForeignLinesAreLeftOut) {
  std::string end = endLine({"A", "B", Result::kPassed, 1, ""});
  std::string cut = beginLine("A", "B") + end.substr(0, end.size() - 1);
  EXPECT_EQ(parseTestJournal(cut).tests.at(0).result, Result::kRunning);
  EXPECT_TRUE(parseTestJournal("\n\t\nbegin\tA\nend\tA\tB\tpassed\t1\t\nbogus\n").tests.empty());
}

}  // namespace
}  // namespace support
