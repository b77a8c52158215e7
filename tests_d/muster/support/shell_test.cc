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

TEST(ShellTest, TextThatRunsTooLongIsEnded) {
  EXPECT_EQ(runShell("exec tail -f /dev/null", 1s).exitStatus, 124);
}

}  // namespace
}  // namespace muster_tests
