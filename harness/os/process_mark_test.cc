#include "harness/os/process_mark.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

TEST(ProcessMarkTest, OwnProcessIsFoundRunningByTheTextOfItsMark) {
  auto mark = ProcessMark::parse(ProcessMark::own().text());
  ASSERT_TRUE(mark);
  EXPECT_TRUE(mark->runsHere());
}

TEST(ProcessMarkTest, OtherStartOrHostIsAnotherProcess) {
  ProcessMark later = ProcessMark::own();
  ++later.startTime;
  EXPECT_FALSE(later.runsHere());
  ProcessMark elsewhere = ProcessMark::own();
  elsewhere.host += "x";
  EXPECT_FALSE(elsewhere.runsHere());
}

TEST(ProcessMarkTest, OtherTextsAreNone) {
  for (const char* text : {"", "/", "h/1", "h/1/", "h//2", "h/0/2", "h/x/2", "h/1/2x", "4711"}) {
    EXPECT_FALSE(ProcessMark::parse(text)) << text;
  }
}

}  // namespace
}  // namespace harness
