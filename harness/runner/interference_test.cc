#include "harness/runner/interference.h"

#include <algorithm>
#include <random>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::runner {
namespace {

using enum Interference::Ending;
using testing::ElementsAre;
using testing::IsEmpty;

// A test that fails after all of `polluters`.
struct World {
  Places polluters = {};

  TrialEnd operator()(const Places& earlier) const {
    bool fails = std::includes(earlier.begin(), earlier.end(), polluters.begin(), polluters.end());
    return fails ? TrialEnd::kFails : TrialEnd::kPasses;
  }
};

Interference search(size_t earlier, const Trial& trial, int trialsMax = 100) {
  return findInterference({.earlier = earlier, .trialsMax = trialsMax}, trial);
}

TEST(InterferenceTest, OneTestIsFoundInFewTrials) {
  for (size_t polluter : {0u, 1u, 500u, 998u, 999u}) {
    Interference found = search(1000, World{{polluter}});
    EXPECT_EQ(found.ending, kFound);
    EXPECT_THAT(found.tests, ElementsAre(polluter));
    EXPECT_LE(found.trials, 30);
  }
}

TEST(InterferenceTest, TestsThatOnlyHurtTogetherAreAllFound) {
  EXPECT_THAT(search(64, World{{3, 60}}).tests, ElementsAre(3u, 60u));
  EXPECT_THAT(search(64, World{{0, 31, 32}}, 200).tests, ElementsAre(0u, 31u, 32u));
  EXPECT_THAT(search(2, World{{0, 1}}).tests, ElementsAre(0u, 1u));
  EXPECT_THAT(search(1, World{{0}}).tests, ElementsAre(0u));
}

TEST(InterferenceTest, FoundSetCannotBeMadeSmaller) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    size_t count = 1 + random() % 40;
    World one, other;
    for (size_t i = 0; i < count; ++i) {
      if (random() % 8 == 0) one.polluters.push_back(i);
      if (random() % 8 == 0) other.polluters.push_back(i);
    }
    one.polluters.push_back(count);
    other.polluters.push_back(count + 1);
    auto either = [&](const Places& earlier) {
      return one(earlier) == TrialEnd::kFails ? TrialEnd::kFails : other(earlier);
    };
    Interference found = search(count + 2, either, 2000);
    ASSERT_EQ(found.ending, kFound);
    EXPECT_EQ(either(found.tests), TrialEnd::kFails);
    for (size_t i = 0; i < found.tests.size(); ++i) {
      Places less = found.tests;
      less.erase(less.begin() + static_cast<long>(i));
      EXPECT_EQ(either(less), TrialEnd::kPasses);
    }
  }
}

TEST(InterferenceTest, TestThatFailsAloneNeedsNoOther) {
  Interference found = search(9, World{});
  EXPECT_EQ(found.ending, kFailsAlone);
  EXPECT_THAT(found.tests, IsEmpty());
  EXPECT_EQ(search(0, World{}).ending, kFailsAlone);
}

TEST(InterferenceTest, TestThatFailsNoMoreIsSaid) {
  Interference found = search(9, [](const Places&) { return TrialEnd::kPasses; });
  EXPECT_EQ(found.ending, kFailsNoMore);
  EXPECT_EQ(found.trials, 3);
}

// Fails each time that the number of the trial is among these.
Trial failingAt(std::vector<int> failures) {
  return [failures, trial = 0](const Places&) mutable {
    ++trial;
    bool fails = std::find(failures.begin(), failures.end(), trial) != failures.end();
    return fails ? TrialEnd::kFails : TrialEnd::kPasses;
  };
}

TEST(InterferenceTest, EqualTrialsWithDifferentEndsAreFlaky) {
  EXPECT_EQ(search(4, failingAt({2})).ending, kFlaky) << "after all";
  EXPECT_EQ(search(4, failingAt({1, 3})).ending, kFlaky) << "alone";
  EXPECT_EQ(search(1, failingAt({1, 5})).ending, kFlaky) << "after the result";
}

TEST(InterferenceTest, BoundOfTrialsLeavesTheSmallestSetSoFar) {
  Interference found = search(64, World{{40}}, 6);
  EXPECT_EQ(found.ending, kTrialsOver);
  EXPECT_EQ(found.trials, 6);
  EXPECT_LT(found.tests.size(), 64u);
  EXPECT_EQ(World{{40}}(found.tests), TrialEnd::kFails);
}

TEST(InterferenceTest, WhatATrialThrowsEndsTheSearch) {
  EXPECT_THROW(search(4, [](const Places&) -> TrialEnd { throw std::runtime_error("no nodes"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace harness::runner
