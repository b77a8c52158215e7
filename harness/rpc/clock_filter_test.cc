#include "harness/rpc/clock_filter.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;

// Our wall clock is at 1000 s when we boot; the node booted 50 s before us and its wall clock is
// `ahead` of ours.
class ClockFilterTest : public testing::Test {
 protected:
  // A call sent at `at` since our boot that took `out` to the node and `back` from it.
  static ClockSample call(int64_t at, int64_t out, int64_t back, nanoseconds ahead) {
    int64_t there = at + out;
    return {at, there + back, there + 50 * kSecond, there + 1000 * kSecond + ahead.count()};
  }
  static OurClock at(int64_t boottimeNs, nanoseconds stepped = 0s) {
    return {boottimeNs, boottimeNs + 1000 * kSecond + stepped.count()};
  }

  ClockFilter filter_;
};

TEST_F(ClockFilterTest, WithoutASampleNothingIsKnown) {
  EXPECT_FALSE(filter_.estimate(at(0)));
  filter_.add({1, 2, 0, 0});
  EXPECT_FALSE(filter_.estimate(at(0)));
}

TEST_F(ClockFilterTest, ASymmetricCallGivesTheOffsetAndHalfTheRoundTripAsBound) {
  filter_.add(call(kSecond, 2 * kMs, 2 * kMs, 30s));
  auto estimate = filter_.estimate(at(kSecond + 4 * kMs));
  EXPECT_EQ(estimate->offset, 30s);
  EXPECT_EQ(estimate->roundTrip, 4ms);
  EXPECT_EQ(estimate->errorMax, 2ms);
}

TEST_F(ClockFilterTest, TheTruthIsWithinTheBoundHoweverUnevenTheWay) {
  for (int64_t out = 0; out <= 10; ++out) {
    ClockFilter filter;
    filter.add(call(kSecond, out * kMs, (10 - out) * kMs, -7s));
    auto estimate = filter.estimate(at(kSecond + 10 * kMs));
    EXPECT_LE(estimate->offset - estimate->errorMax, -7s) << out;
    EXPECT_GE(estimate->offset + estimate->errorMax, -7s) << out;
  }
}

TEST_F(ClockFilterTest, TheShortestRoundTripOfTheLastEightCounts) {
  filter_.add(call(kSecond, kMs, kMs, 1s));
  for (int i = 1; i < 8; ++i) filter_.add(call(kSecond + i * kMs, 40 * kMs, 0, 1s));
  EXPECT_EQ(filter_.estimate(at(kSecond))->errorMax, 1ms);
  EXPECT_EQ(filter_.estimate(at(kSecond))->offset, 1s);
  filter_.add(call(2 * kSecond, 40 * kMs, 0, 1s));  // The ninth takes the place of the first.
  EXPECT_EQ(filter_.estimate(at(2 * kSecond))->errorMax, 20ms);
  EXPECT_EQ(filter_.estimate(at(2 * kSecond))->offset, 1s + 20ms);
}

TEST_F(ClockFilterTest, TheBoundGrowsWithTheAgeOfTheSample) {
  filter_.add(call(kSecond, kMs, kMs, 0s));
  auto later = filter_.estimate(at(1001 * kSecond));
  EXPECT_GE(later->errorMax, 1ms + 14ms);
  EXPECT_LE(later->errorMax, 1ms + 16ms);
}

TEST_F(ClockFilterTest, AClockThatIsSetIsSeenWithTheNextSample) {
  filter_.add(call(kSecond, kMs, kMs, 0s));
  filter_.add(call(2 * kSecond, 9 * kMs, 9 * kMs, 3600s));  // The node's, by an hour.
  EXPECT_EQ(filter_.estimate(at(2 * kSecond))->offset, 3600s);
  EXPECT_LE(filter_.estimate(at(2 * kSecond))->errorMax, 2ms);
  EXPECT_EQ(filter_.estimate(at(2 * kSecond, 60s))->offset, 3540s);  // Ours, by a minute.
}

TEST_F(ClockFilterTest, AnotherBootBeginsAnew) {
  filter_.add(call(kSecond, kMs, kMs, 1s));
  filter_.reset();
  EXPECT_FALSE(filter_.estimate(at(kSecond)));
}

}  // namespace
}  // namespace harness
