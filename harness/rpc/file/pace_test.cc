#include "harness/rpc/file/pace.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

using std::chrono::milliseconds;

TEST(PaceTest, GrowsToItsBoundWhileAnswersAreQuick) {
  Pace pace;
  EXPECT_TRUE(pace.allows(1));
  EXPECT_FALSE(pace.allows(2));
  for (int i = 0; i < 100; ++i) pace.note(milliseconds(1));
  EXPECT_TRUE(pace.allows(Pace::kMost - 1));
  EXPECT_FALSE(pace.allows(Pace::kMost));
}

TEST(PaceTest, FallsToOneWhileAnswersAreSlowAndNoFurther) {
  Pace pace;
  for (int i = 0; i < 100; ++i) pace.note(milliseconds(1));
  pace.note(Pace::kSlow + milliseconds(1));
  EXPECT_FALSE(pace.allows(Pace::kMost / 2));
  for (int i = 0; i < 100; ++i) pace.note(Pace::kSlow + milliseconds(1));
  EXPECT_TRUE(pace.allows(0));
  EXPECT_FALSE(pace.allows(1));
}

}  // namespace
}  // namespace harness
