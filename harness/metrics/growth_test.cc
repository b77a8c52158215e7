// Judges series of known shapes.
#include "harness/metrics/growth.h"

#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

namespace harness::metrics {
namespace {

using namespace std::chrono_literals;
using Verdict = Growth::Verdict;

constexpr double kMiBs = 1 << 20;
constexpr GrowthLimits kLimits{30 * kMiBs, 5s};

// A sample a second, of the value at that second.
std::vector<Measured> series(int count, const std::function<double(int)>& value) {
  std::vector<Measured> points;
  for (int i = 0; i < count; ++i) points.push_back({std::chrono::seconds(100 + i), value(i)});
  return points;
}

Verdict verdictOf(int count, const std::function<double(int)>& value) {
  return judgeGrowth(series(count, value), kLimits).verdict;
}

TEST(GrowthTest, LeakGrows) {
  Growth growth = judgeGrowth(series(60, [](int i) { return 10 * kMiBs * i; }), kLimits);
  EXPECT_EQ(growth.verdict, Verdict::kGrows);
  EXPECT_EQ(growth.points, 55u);
  EXPECT_EQ(growth.first.value, 50 * kMiBs);
  EXPECT_EQ(growth.last.value, 590 * kMiBs);
  EXPECT_NEAR(growth.perSecond, 10 * kMiBs, 1);
  EXPECT_EQ(growth.growth, 490 * kMiBs);
}

TEST(GrowthTest, ShortestSeriesIsEnoughForALeak) {
  EXPECT_EQ(verdictOf(25, [](int i) { return 10 * kMiBs * i; }), Verdict::kGrows);
  EXPECT_EQ(verdictOf(24, [](int i) { return 10 * kMiBs * i; }), Verdict::kTooFew);
}

TEST(GrowthTest, StableNumberDoesNotGrow) {
  EXPECT_EQ(verdictOf(60, [](int) { return 100 * kMiBs; }), Verdict::kStable);
  EXPECT_EQ(verdictOf(60, [](int) { return 0.0; }), Verdict::kStable);
  EXPECT_EQ(verdictOf(60, [](int i) { return 600 * kMiBs - 10 * kMiBs * i; }), Verdict::kStable);
}

TEST(GrowthTest, GrowthWithinTheLimitIsAllowed) {
  EXPECT_EQ(verdictOf(600, [](int i) { return 0.05 * kMiBs * i; }), Verdict::kStable);
  EXPECT_EQ(verdictOf(600, [](int i) { return 0.10 * kMiBs * i; }), Verdict::kGrows);
}

TEST(GrowthTest, NoiseIsNoGrowth) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(500 * kMiBs, 100 * kMiBs);
    EXPECT_EQ(verdictOf(100, [&](int) { return noise(random); }), Verdict::kStable) << seed;
  }
}

TEST(GrowthTest, LeakUnderNoiseGrows) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> noise(0, 5 * kMiBs);
    EXPECT_EQ(verdictOf(100, [&](int i) { return 2 * kMiBs * i + noise(random); }), Verdict::kGrows)
        << seed;
  }
}

// A collector lets memory grow and gives all of it back, again and again.
TEST(GrowthTest, SawToothOfACollectorIsNoGrowth) {
  for (int period = 2; period <= 60; ++period) {
    EXPECT_EQ(verdictOf(125, [&](int i) { return (i % period) * 200.0 * kMiBs / period; }),
              Verdict::kStable)
        << period;
  }
}

TEST(GrowthTest, SawToothThatLeavesSomethingBehindGrows) {
  for (int period = 2; period <= 10; ++period) {
    EXPECT_EQ(verdictOf(125, [&](int i) { return 2 * kMiBs * i + (i % period) * 10 * kMiBs; }),
              Verdict::kGrows)
        << period;
  }
}

TEST(GrowthTest, SpikesAreNoGrowth) {
  for (int at = 0; at < 60; ++at) {
    EXPECT_EQ(verdictOf(60, [&](int i) { return (i == at ? 5000 : 10) * kMiBs; }), Verdict::kStable)
        << at;
    EXPECT_EQ(verdictOf(60, [&](int i) { return 10 * kMiBs * i + (i == at ? 5000 * kMiBs : 0); }),
              Verdict::kGrows)
        << at;
  }
}

// As of a cache that is taken once.
TEST(GrowthTest, SingleStepIsNoGrowth) {
  for (int at = 0; at < 60; ++at) {
    EXPECT_EQ(verdictOf(60, [&](int i) { return (i < at ? 10 : 500) * kMiBs; }), Verdict::kStable)
        << at;
  }
}

TEST(GrowthTest, ManyStepsGrow) {
  EXPECT_EQ(verdictOf(120, [](int i) { return i / 10 * 20 * kMiBs; }), Verdict::kGrows);
}

TEST(GrowthTest, GrowthAtTheStartIsNone) {
  EXPECT_EQ(verdictOf(60, [](int i) { return std::min(i, 5) * 100 * kMiBs; }), Verdict::kStable);
  // It goes on behind the warm-up, and ends.
  for (double scale : {3.0, 5.0, 8.0}) {
    EXPECT_EQ(verdictOf(100, [&](int i) { return 400 * kMiBs * (1 - std::exp(-i / scale)); }),
              Verdict::kStable)
        << scale;
  }
}

TEST(GrowthTest, WarmUpIsLeftOut) {
  auto points = series(60, [](int i) { return std::min(i, 40) * 10 * kMiBs; });
  EXPECT_EQ(judgeGrowth(points, {30 * kMiBs, 0s}).verdict, Verdict::kGrows);
  EXPECT_EQ(judgeGrowth(points, {30 * kMiBs, 40s}).verdict, Verdict::kStable);
  EXPECT_EQ(judgeGrowth(points, {30 * kMiBs, 41s}).verdict, Verdict::kTooFew);
}

TEST(GrowthTest, WithoutPointsThereIsNoVerdict) {
  EXPECT_EQ(judgeGrowth({}, kLimits).verdict, Verdict::kTooFew);
  EXPECT_EQ(judgeGrowth({{1s, 5}}, kLimits).points, 0u);
  std::vector<Measured> same(100, {1s, 5});
  EXPECT_EQ(judgeGrowth(same, {1, 0s}).verdict, Verdict::kTooFew);
}

TEST(GrowthTest, GapDoesNotHideALeak) {
  auto points = series(120, [](int i) { return 10 * kMiBs * i; });
  points.erase(points.begin() + 40, points.begin() + 90);
  EXPECT_EQ(judgeGrowth(points, kLimits).verdict, Verdict::kGrows);
}

TEST(GrowthTest, LongSeriesIsJudgedToo) {
  EXPECT_EQ(verdictOf(20'000, [](int i) { return kMiBs * i; }), Verdict::kGrows);
}

}  // namespace
}  // namespace harness::metrics
