// Tests that one factor stretches the limits of waits, and what a wait in vain says of it.
#include "harness/values/wait_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/values/look_again.h"

namespace harness {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;

class WaitTimeTest : public testing::Test {
 protected:
  ~WaitTimeTest() override { setWaitMultiplier(1); }
};

TEST_F(WaitTimeTest, LimitIsAsTheTestSaysWithoutAFactor) {
  EXPECT_EQ(waitTime(30s), 30s);
  EXPECT_EQ(waitTime(nanoseconds::max()), nanoseconds::max());
  EXPECT_EQ(waitText(30s), "30.0 s");
}

TEST_F(WaitTimeTest, FactorStretchesAndShortens) {
  setWaitMultiplier(3);
  EXPECT_EQ(waitTime(30s), 90s);
  EXPECT_EQ(waitTime(0s), 0s);
  EXPECT_EQ(waitText(20s), "60.0 s (20.0 s times 3 by --wait-multiplier)");
  setWaitMultiplier(0.5);
  EXPECT_EQ(waitTime(30s), 15s);
  EXPECT_EQ(waitText(30s), "15.0 s (30.0 s times 0.5 by --wait-multiplier)");
}

TEST_F(WaitTimeTest, EndlessLimitsStayEndless) {
  setWaitMultiplier(100);
  EXPECT_EQ(waitTime(nanoseconds::max()), nanoseconds::max());
  EXPECT_GE(waitTime(std::chrono::hours(24 * 36500)), std::chrono::hours(24 * 36500));
}

TEST_F(WaitTimeTest, EndIsThatOfTheInnermostScopeIfThatIsSooner) {
  setWaitMultiplier(2);
  auto now = std::chrono::steady_clock::now();
  muster::DeadlineScope scope(1h);
  EXPECT_THAT(muster::DeadlineScope::current() - now, AllOf(Ge(2h), Le(2h + 1min)));
  EXPECT_THAT(waitEnd(10min) - now, AllOf(Ge(20min), Le(21min)));
  EXPECT_EQ(waitEnd(2h), muster::DeadlineScope::current());
  // A scope that ends at a given time is not stretched.
  muster::DeadlineScope fixed(now + 30min);
  EXPECT_EQ(muster::DeadlineScope::current(), now + 30min);
}

TEST_F(WaitTimeTest, LooksGoOnForTheStretchedTimeAndSayBothTimes) {
  setWaitMultiplier(10);
  auto begin = std::chrono::steady_clock::now();
  // It comes behind the limit of the test, and before the stretched one.
  auto look = [&] { return std::chrono::steady_clock::now() - begin > 1s; };
  EXPECT_TRUE(lookAgain(look, 500ms, 10ms).matched);
  setWaitMultiplier(2);
  Looks looks = lookAgain([] { return false; }, 10ms, 5ms);
  EXPECT_GE(looks.took, 20ms);
  EXPECT_THAT(looksText(looks), HasSubstr("(10.0 ms times 2 by --wait-multiplier)"));
}

TEST_F(WaitTimeTest, OtherFactorsAreRefused) {
  for (const char* right : {"0.01", "1", "3", "2.5", "100"}) {
    EXPECT_THAT(waitMultiplierProblem(right), IsEmpty()) << right;
  }
  for (const char* wrong : {"", "0", "0.009", "100.5", "-1", "nan", "inf", "3x", " 3", "three"}) {
    EXPECT_EQ(waitMultiplierProblem(wrong), "is not a number from 0.01 to 100") << wrong;
  }
}

}  // namespace
}  // namespace harness
