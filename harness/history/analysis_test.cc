// The analyses of sequences of results: transitions, rates and changes. They need no file.
#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/history/change_point.h"
#include "harness/history/duration_change.h"
#include "harness/history/flake_rate.h"
#include "harness/history/transitions.h"

namespace harness::history {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum run::Outcome;

TEST(VerdictTest, SaysNothingOfTestsThatWereNotTried) {
  EXPECT_EQ(verdictOf(kPassed), Verdict::kPass);
  EXPECT_EQ(verdictOf(kFlaky), Verdict::kPass);
  EXPECT_EQ(verdictOf(kUnexpectedlyPassed), Verdict::kPass);
  for (auto failed : {kFailed, kCrashed, kTimedOut, kWaived, kPolluted}) {
    EXPECT_EQ(verdictOf(failed), Verdict::kFail) << run::wordOf(failed);
  }
  for (auto untried : {kInfrastructure, kSkipped, kCancelled, kNotRun}) {
    EXPECT_EQ(verdictOf(untried), Verdict::kNone) << run::wordOf(untried);
  }
}

TEST(TransitionsTest, SkippedAndLostRunsAreNoChange) {
  using enum Transition;
  EXPECT_THAT(
      transitionsOf({kSkipped, kPassed, kSkipped, kPassed, kFailed, kInfrastructure, kFailed,
                     kCrashed, kNotRun, kPassed}),
      ElementsAre(Transition::kNone, kNew, Transition::kNone, Transition::kNone, kRegressed,
                  Transition::kNone, Transition::kNone, kChanged, Transition::kNone, kFixed));
  EXPECT_THAT(transitionsOf({kFailed, kPassed}), ElementsAre(kNew, kFixed));
  EXPECT_THAT(transitionsOf({}), IsEmpty());
  EXPECT_EQ(wordOf(kRegressed), "regressed");
}

TEST(TransitionsTest, OnlyRunsThatWouldHaveTheTestMakeItGone) {
  EXPECT_EQ(goneSince({{true, 10}, {true, 10}}), std::nullopt);
  EXPECT_EQ(goneSince({{true, 10}, {false, 9}, {false, 9}}), 1u);
  EXPECT_EQ(goneSince({{true, 10}, {false, 1}, {false, 9}}), 2u) << "one was asked for one test";
  EXPECT_EQ(goneSince({{true, 10}, {false, 4}}), std::nullopt);
  EXPECT_EQ(goneSince({{true, 10}, {false, 9}, {true, 10}}), std::nullopt) << "it is back";
  EXPECT_EQ(goneSince({{false, 10}}), std::nullopt) << "it never was there";
}

TEST(FlakeRateTest, IntervalIsThatOfWilson) {
  Rate rate = wilson(10, 100);
  EXPECT_NEAR(rate.low, 0.0552, 0.0001);
  EXPECT_NEAR(rate.high, 0.1744, 0.0001);
  EXPECT_NEAR(wilson(0, 10).high, 0.2775, 0.0001);
  EXPECT_EQ(wilson(0, 10).low, 0);
  EXPECT_EQ(wilson(10, 10).high, 1);
  EXPECT_EQ(wilson(0, 0).high, 1) << "nothing is known";
}

TEST(FlakeRateTest, CountsFailuresBesidePassesOfTheSameVersion) {
  using enum Verdict;
  Rate rate = flakeRateOf({{"a", kPass}, {"a", kFail}, {"a", kPass}, {"b", kFail}, {"b", kFail}});
  EXPECT_EQ(rate.hits, 1u) << "b is broken, not flaky";
  EXPECT_EQ(rate.runs, 5u);
  EXPECT_EQ(flakeRateOf({{"a", kPass, true}, {"b", kPass}}).hits, 1u) << "its attempts differed";
  EXPECT_EQ(flakeRateOf({{"a", kPass}, {"a", kNone}}).runs, 1u);
}

// Draws a series in which runs fail with one probability, and from `change` on with another one.
std::vector<bool> series(std::mt19937& random, size_t runs, size_t change, double before,
                         double after) {
  std::vector<bool> failures;
  for (size_t i = 0; i < runs; ++i) {
    failures.push_back(std::bernoulli_distribution(i < change ? before : after)(random));
  }
  return failures;
}

// An interval that was not found contains nothing. A hundred series would pass or fail by chance.
TEST(ChangePointTest, IntervalContainsAStepIn950Of1000Series) {
  std::mt19937 random(1);
  int hits = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    size_t truth = std::uniform_int_distribution<size_t>(50, 150)(random);
    auto changes = changePointsOf(series(random, 200, truth, 0, 0.2));
    hits += std::any_of(changes.begin(), changes.end(), [&](const ChangePoint& change) {
      return change.first <= truth && truth <= change.last;
    });
  }
  EXPECT_GE(hits, 950);
}

TEST(ChangePointTest, ConstantSeriesRaiseNoAlarmIn285Of300) {
  for (double rate : {0.0, 0.02, 0.05, 0.2, 0.5, 0.9, 1.0}) {
    std::mt19937 random(4);
    int quiet = 0;
    for (int trial = 0; trial < 300; ++trial) {
      if (changePointsOf(series(random, 200, 0, rate, rate)).empty()) ++quiet;
    }
    EXPECT_GE(quiet, 285) << "rate " << rate;
  }
}

TEST(ChangePointTest, FindsABreakAndItsRepair) {
  std::vector<bool> failures(90, false);
  for (size_t i = 30; i < 60; ++i) failures[i] = true;
  auto changes = changePointsOf(failures);
  ASSERT_THAT(changes, SizeIs(2));
  EXPECT_EQ(changes[0].likeliest, 30u);
  EXPECT_LE(changes[0].first, 30u);
  EXPECT_GE(changes[0].last, 30u);
  EXPECT_LE(changes[0].last - changes[0].first, 2u);
  EXPECT_EQ(changes[1].likeliest, 60u);
  EXPECT_EQ(changes[1].before, 1);
  EXPECT_EQ(changes[1].after, 0);
}

TEST(ChangePointTest, FewRunsAndSingleFailuresAreNoChange) {
  EXPECT_THAT(changePointsOf({}), IsEmpty());
  EXPECT_THAT(changePointsOf({true}), IsEmpty());
  EXPECT_THAT(changePointsOf({false, true}), IsEmpty());
  std::vector<bool> once(200, false);
  once.back() = true;
  EXPECT_THAT(changePointsOf(once), IsEmpty());
}

std::vector<double> durations(std::mt19937& random, size_t runs, size_t change, double before,
                              double after) {
  std::vector<double> seconds;
  for (size_t i = 0; i < runs; ++i) {
    seconds.push_back(std::lognormal_distribution<>(0, 0.1)(random) *
                      (i < change ? before : after));
  }
  return seconds;
}

TEST(DurationChangeTest, FindsAShiftOfTheMedian) {
  std::mt19937 random(5);
  auto change = durationChangeOf(durations(random, 100, 60, 1, 1.5));
  ASSERT_TRUE(change);
  EXPECT_NEAR(static_cast<double>(change->at), 60, 2);
  EXPECT_NEAR(change->before, 1, 0.1);
  EXPECT_NEAR(change->after, 1.5, 0.15);
}

TEST(DurationChangeTest, SlowRunsAndSmallShiftsAreNoChange) {
  std::mt19937 random(6);
  std::vector<double> seconds = durations(random, 100, 0, 1, 1);
  seconds[70] = seconds[71] = 60;
  EXPECT_FALSE(durationChangeOf(seconds));
  EXPECT_FALSE(durationChangeOf(durations(random, 100, 50, 1, 1.05)));
  EXPECT_FALSE(durationChangeOf(durations(random, 100, 50, 0.001, 0.002))) << "below 10 ms";
  EXPECT_FALSE(durationChangeOf({}));
  EXPECT_FALSE(durationChangeOf({1, 9}));
  EXPECT_EQ(medianOf({3, 1, 2}), 2);
  EXPECT_EQ(medianOf({4, 1, 2, 3}), 2.5);
}

}  // namespace
}  // namespace harness::history
