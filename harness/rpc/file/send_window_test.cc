#include "harness/rpc/file/send_window.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

using std::chrono::milliseconds;

TEST(SendWindowTest, GrowsToItsBoundWhileAnswersAreQuick) {
  SendWindow pace;
  EXPECT_TRUE(pace.allows(1));
  EXPECT_FALSE(pace.allows(2));
  for (int i = 0; i < 100; ++i) pace.note(milliseconds(1));
  EXPECT_TRUE(pace.allows(SendWindow::kMost - 1));
  EXPECT_FALSE(pace.allows(SendWindow::kMost));
}

TEST(SendWindowTest, FallsToOneWhileAnswersAreSlowAndNoFurther) {
  SendWindow pace;
  for (int i = 0; i < 100; ++i) pace.note(milliseconds(1));
  pace.note(SendWindow::kSlow + milliseconds(1));
  EXPECT_FALSE(pace.allows(SendWindow::kMost / 2));
  for (int i = 0; i < 100; ++i) pace.note(SendWindow::kSlow + milliseconds(1));
  EXPECT_TRUE(pace.allows(0));
  EXPECT_FALSE(pace.allows(1));
}

}  // namespace
}  // namespace harness
