// How long tests take, and how often they have passed in a row.
#include "harness/history/typical_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/history/made_runs_testing.h"
#include "harness/history/pass_streak.h"
#include "harness/history/run_index.h"

namespace harness::history {
namespace {

using run::Outcome;
using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class TypicalTimesTest : public testing::Test {
 protected:
  // Adds a run after those before, with one attempt of the test.
  void add(double seconds, Outcome outcome = Outcome::kPassed) {
    ++runs_;
    std::string number = std::to_string(1000 + runs_);
    made_.add({.id = "run-" + number, .tests = {{.outcome = outcome, .seconds = seconds}}});
  }

  std::map<std::string, double> typical(const std::vector<std::string>& tests) const {
    RunIndex index(made_.path());
    index.refresh();
    return typicalSeconds(index.database(), tests);
  }

  MadeRuns made_;
  int runs_ = 0;
};

TEST_F(TypicalTimesTest, OneSlowRunDoesNotCount) {
  for (double seconds : {2.0, 90.0, 3.0}) add(seconds);
  EXPECT_THAT(typical({"kvd/KvTest.Heals"}), ElementsAre(Pair("kvd/KvTest.Heals", DoubleEq(3))));
}

TEST_F(TypicalTimesTest, FailuresDoNotCount) {
  add(5);
  add(600, Outcome::kTimedOut);
  add(0.1, Outcome::kFailed);
  add(700, Outcome::kCrashed);
  EXPECT_THAT(typical({"kvd/KvTest.Heals"}), ElementsAre(Pair("kvd/KvTest.Heals", DoubleEq(5))));
}

TEST_F(TypicalTimesTest, OnlyTheLastNinePassesCount) {
  for (int i = 0; i < 30; ++i) add(100);
  for (int i = 0; i < 9; ++i) add(1);
  EXPECT_THAT(typical({"kvd/KvTest.Heals"}), ElementsAre(Pair("kvd/KvTest.Heals", DoubleEq(1))));
}

TEST_F(TypicalTimesTest, WhatNeverPassedIsUnknown) {
  add(7, Outcome::kFailed);
  EXPECT_THAT(typical({"kvd/KvTest.Heals", "kvd/KvTest.New"}), IsEmpty());
}

class PassStreakTest : public TypicalTimesTest {
 protected:
  int streak() const {
    RunIndex index(made_.path());
    index.refresh();
    auto streaks = passesInARow(index.database(), {"kvd/KvTest.Heals"});
    return streaks.empty() ? 0 : streaks.begin()->second;
  }
};

TEST_F(PassStreakTest, PassesSinceTheLastFailureCount) {
  EXPECT_EQ(streak(), 0);
  add(1);
  add(1, Outcome::kFailed);
  EXPECT_EQ(streak(), 0);
  add(1);
  add(1, Outcome::kInfrastructure);
  add(1, Outcome::kSkipped);
  add(1);
  EXPECT_EQ(streak(), 2) << "what says nothing about the test does not count";
}

TEST_F(PassStreakTest, EachAttemptOfARunCounts) {
  made_.add({.id = "run-1", .tests = {{.seconds = 1, .attempt = 1}, {.seconds = 1, .attempt = 2}}});
  EXPECT_EQ(streak(), 2);
}

}  // namespace
}  // namespace harness::history
