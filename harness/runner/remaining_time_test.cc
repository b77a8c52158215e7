#include "harness/runner/remaining_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::runner {
namespace {

using namespace std::chrono_literals;
using testing::Eq;
using testing::Optional;
using Ending = RemainingTime::Ending;

// A run whose clock goes on as its tests say.
class RemainingTimeTest : public testing::Test {
 protected:
  void pass(const std::string& id, double seconds) { end(id, seconds, Ending::kPassed); }
  void end(const std::string& id, double seconds, Ending ending) {
    remaining_.begin(id, now_);
    wait(seconds);
    remaining_.end(id, seconds, ending, now_);
  }
  void wait(double seconds) {
    now_ += std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds));
  }
  void plan(std::initializer_list<const char*> ids) {
    for (const char* id : ids) remaining_.plan(id);
  }
  double left() const {
    auto left = remaining_.left(now_);
    return left ? std::chrono::duration<double>(*left).count() : -1;
  }

  RemainingTime remaining_;
  RemainingTime::Time now_{1h};
};

TEST_F(RemainingTimeTest, UsualTimesAreKnownBeforeAnythingHasRun) {
  remaining_.know({{"a", 10}, {"b", 100}, {"unused", 1000}});
  plan({"a", "b", "b"});
  EXPECT_DOUBLE_EQ(left(), 210);
}

TEST_F(RemainingTimeTest, LongTestThatComesLastIsNotTakenForAShortOne) {
  remaining_.know({{"a", 1}, {"b", 1}, {"long", 600}});
  plan({"a", "b", "long"});
  pass("a", 1);
  pass("b", 1);
  EXPECT_DOUBLE_EQ(left(), 600);
}

TEST_F(RemainingTimeTest, SlowMachineIsMeasured) {
  remaining_.know({{"a", 98}, {"b", 50}});
  plan({"a", "b"});
  pass("a", 198);
  EXPECT_DOUBLE_EQ(left(), 100);
}

TEST_F(RemainingTimeTest, ShortTestsSayLittleOfTheMachine) {
  remaining_.know({{"a", 0.01}, {"b", 50}});
  plan({"a", "b"});
  pass("a", 0.1);
  EXPECT_NEAR(left(), 50, 3);
}

TEST_F(RemainingTimeTest, FailureSaysNothingOfTheMachine) {
  remaining_.know({{"a", 10}, {"b", 50}});
  plan({"a", "b"});
  end("a", 600, Ending::kOther);
  EXPECT_DOUBLE_EQ(left(), 50);
}

TEST_F(RemainingTimeTest, RunningTestIsCountedDownAndNotBelowZero) {
  remaining_.know({{"a", 10}, {"b", 5}});
  plan({"a", "b"});
  remaining_.begin("a", now_);
  wait(4);
  EXPECT_DOUBLE_EQ(left(), 11);
  wait(60);
  EXPECT_DOUBLE_EQ(left(), 5);
}

TEST_F(RemainingTimeTest, WithoutHistoryTestsAreLikeThoseThatRan) {
  plan({"a", "b", "c", "d"});
  EXPECT_DOUBLE_EQ(left(), -1);
  pass("a", 2);
  pass("b", 4);
  EXPECT_DOUBLE_EQ(left(), 6);
}

TEST_F(RemainingTimeTest, WithoutHistoryAFailureIsBetterThanNothing) {
  plan({"a", "b", "c"});
  end("a", 3, Ending::kOther);
  EXPECT_DOUBLE_EQ(left(), 6);
}

TEST_F(RemainingTimeTest, NothingIsSaidOfANewTestThatRunsFirst) {
  remaining_.know({{"unused", 10}});
  plan({"new"});
  remaining_.begin("new", now_);
  EXPECT_DOUBLE_EQ(left(), -1);
}

TEST_F(RemainingTimeTest, NewTestIsLikeOtherNewOnesOrElseLikeTheUsual) {
  remaining_.know({{"a", 10}, {"b", 20}});
  plan({"a", "b", "new1", "new2"});
  EXPECT_DOUBLE_EQ(left(), 60);
  pass("new1", 1);
  EXPECT_DOUBLE_EQ(left(), 31);
}

TEST_F(RemainingTimeTest, GapsBetweenTestsAreCounted) {
  remaining_.know({{"a", 1}, {"b", 1}, {"c", 1}});
  plan({"a", "b", "c"});
  // What was before the first test, such as the making of nodes, does not come again.
  wait(30);
  pass("a", 1);
  wait(4);
  pass("b", 1);
  EXPECT_DOUBLE_EQ(left(), 5);
}

TEST_F(RemainingTimeTest, NothingIsLeftWhenAllHaveEnded) {
  remaining_.know({{"a", 1}});
  plan({"a", "b"});
  pass("a", 1);
  remaining_.end("b", 0, Ending::kOther, now_);
  EXPECT_THAT(remaining_.left(now_), Eq(std::nullopt));
}

}  // namespace
}  // namespace harness::runner
