#include "tests_d/muster/support/shell.h"

#include <gtest/gtest.h>

namespace muster_tests {
namespace {

using namespace std::chrono_literals;

TEST(ShellTest, OutputOfBothStreamsAndStatusAreCaptured) {
  ShellResult result = runShell("echo 'it''s' out; echo err >&2; exit 3", 10s);
  EXPECT_EQ(result.exitStatus, 3);
  EXPECT_EQ(result.output, "its out\nerr\n");
}

// ctest would report a failure that shows it as a skipped test.
TEST(ShellTest, MarkOfASkippedTestIsNotShown) {
  EXPECT_EQ(runShell("echo '[  SKIP''PED ] A.B'", 10s).output, "[  skipped ] A.B\n");
}

TEST(ShellTest, TextThatRunsTooLongIsEnded) {
  EXPECT_EQ(runShell("exec tail -f /dev/null", 1s).exitStatus, 124);
}

}  // namespace
}  // namespace muster_tests
