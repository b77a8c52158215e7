#include "harness/os/wait.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace harness {
namespace {

using namespace std::chrono_literals;

TEST(WaitTest, ConditionThatHoldsIsSeenAtOnce) {
  auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(waitUntil(begin - 1s, [] { return true; }));
  EXPECT_TRUE(waitUntil(begin + 1h, [] { return true; }));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST(WaitTest, ConditionIsLookedAtAgainUntilItHolds) {
  int looks = 0;
  EXPECT_TRUE(waitUntil(after(10s), [&looks] { return ++looks == 4; }));
  EXPECT_EQ(looks, 4);
}

TEST(WaitTest, DeadlineEndsTheWaitAfterALastLook) {
  auto deadline = after(30ms);
  bool lookedAtTheEnd = false;
  EXPECT_FALSE(waitUntil(deadline, [&] {
    lookedAtTheEnd = std::chrono::steady_clock::now() >= deadline;
    return false;
  }));
  EXPECT_TRUE(lookedAtTheEnd);
}

TEST(WaitTest, FailureOfTheConditionIsPassedOn) {
  EXPECT_THROW(waitUntil(after(1s), []() -> bool { throw std::runtime_error("no"); }),
               std::runtime_error);
}

TEST(WaitTest, MillisecondsAreRoundedUpAndNeverNegative) {
  EXPECT_EQ(millisecondsUntil(after(-5s)), 0);
  EXPECT_GT(millisecondsUntil(after(100us)), 0);
  EXPECT_EQ(millisecondsUntil(after(100h)), 3'600'000);
}

}  // namespace
}  // namespace harness
