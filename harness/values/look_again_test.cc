#include "harness/values/look_again.h"

#include <gtest/gtest.h>

#include <muster/deadline.h>

#include "harness/values/cancellation.h"

namespace harness {
namespace {

using namespace std::chrono_literals;

TEST(LookAgainTest, EndsWithTheFirstMatch) {
  int looks = 0;
  Looks seen = lookAgain([&] { return ++looks == 3; }, 10s, 1ms);
  EXPECT_TRUE(seen.matched);
  EXPECT_EQ(seen.count, 3u);
}

TEST(LookAgainTest, LooksForALastTimeWithTimeOfItsOwn) {
  std::chrono::nanoseconds left{0};
  auto look = [&] {
    left = muster::DeadlineScope::remaining();
    return false;
  };
  Looks seen = lookAgain(look, 20ms, 1h);
  EXPECT_FALSE(seen.matched);
  EXPECT_EQ(seen.count, 2u);
  EXPECT_GT(left, 500ms);
}

// The end of the time and a look fall together here.
TEST(LookAgainTest, LastLookHasTimeWhereTheLooksDivideTheTime) {
  std::chrono::nanoseconds left{0};
  auto look = [&] {
    left = muster::DeadlineScope::remaining();
    return false;
  };
  lookAgain(look, 20ms, 5ms);
  EXPECT_GT(left, 500ms);
}

// What a look saw that was cut off is only that its time was over.
TEST(LookAgainTest, LookThatIsCutOffIsFollowedByOneWithTime) {
  int looks = 0;
  auto look = [&] {
    bool isShort = muster::DeadlineScope::remaining() < 500ms;
    if (++looks > 1 && isShort) sleepInScope(muster::DeadlineScope::current());
    return !isShort;
  };
  Looks seen = lookAgain(look, 20ms, 15ms);
  EXPECT_TRUE(seen.matched);
  EXPECT_EQ(seen.count, 3u);
}

TEST(LookAgainTest, TextCounts) {
  EXPECT_EQ(looksText({false, 1, 5ms}), "1 look within 5.0 ms");
  EXPECT_EQ(looksText({false, 2, 5s}), "2 looks within 5.00 s");
}

}  // namespace
}  // namespace harness
