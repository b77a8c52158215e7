// Waits outside of expectations, on values made by hand.
#include <optional>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/await.h>
#include <muster/deadline.h>
#include <muster/matchers.h>

namespace {

using namespace muster;
using testing::AllOf;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

NodeError gone() {
  return NodeError(NodeError::Kind::kUnreachable, "n1", "run", "gone");
}

// Returns the error of a wait that must end with one.
template <typename Wait>
NodeError errorOf(Wait&& wait) {
  try {
    wait();
  } catch (const NodeError& error) {
    return error;
  }
  ADD_FAILURE() << "the wait ended without an error";
  return gone();
}

Result exited(int status) {
  Result result;
  result.outcome = Outcome::exited(status);
  return result;
}

TEST(AwaitUntilTest, WaitsForTrue) {
  int looks = 0;
  awaitUntil([&] { return ++looks == 3; }, 10s, 1ms);
  EXPECT_EQ(looks, 3);
}

TEST(AwaitUntilTest, GivesTheValueThatIsThere) {
  int looks = 0;
  auto look = [&] { return ++looks < 3 ? std::nullopt : std::optional<std::string>("n2"); };
  std::string leader = awaitUntil(look, 10s, 1ms);
  EXPECT_EQ(leader, "n2");
  int value = 7;
  EXPECT_EQ(awaitUntil([&] { return ++looks < 6 ? nullptr : &value; }, 10s, 1ms), &value);
}

TEST(AwaitUntilTest, GivesTheResultOfTheCommandThatSucceeded) {
  int looks = 0;
  Result result = awaitUntil([&] { return exited(++looks < 3 ? 1 : 0); }, 10s, 1ms);
  EXPECT_TRUE(result.succeeded());
  EXPECT_EQ(looks, 3);
}

TEST(AwaitUntilTest, WaitsForACallThatDoesNotFail) {
  int looks = 0;
  auto look = [&] {
    if (++looks < 3) throw gone();
  };
  awaitUntil(look, 10s, 1ms);
  EXPECT_EQ(looks, 3);
  auto wrong = [] { throw std::logic_error("wrong"); };
  EXPECT_THROW(awaitUntil(wrong, 10s), std::logic_error);
}

TEST(AwaitUntilTest, FailureHasTheLastLookTheirNumberAndTheLine) {
  auto here = std::source_location::current();
  NodeError error = errorOf([] { awaitUntil([] { return false; }, 25ms, 10ms); });
  EXPECT_EQ(error.kind(), NodeError::Kind::kTimeout);
  EXPECT_THAT(error.what(),
              ContainsRegex("^wait: timeout: not seen in [2-4] looks within .* ms; the last saw "
                            "false\n  at .*await_test.cc:" +
                            std::to_string(here.line() + 1) + "$"));
  error = errorOf([] { awaitUntil([] { throw gone(); }, 0s); });
  EXPECT_THAT(error.what(), HasSubstr("the last saw node n1: run: unreachable: gone"));
}

TEST(AwaitUntilTest, LooksForALastTimeAtTheEnd) {
  int looks = 0;
  awaitUntil([&] { return ++looks == 2; }, 20ms, 1h);
  EXPECT_EQ(looks, 2);
}

TEST(AwaitUntilTest, EndsWithTheEnclosingScope) {
  DeadlineScope scope(20ms);
  NodeError error = errorOf([] { awaitUntil([] { return false; }, 1h, 1h); });
  EXPECT_THAT(error.what(), HasSubstr("in 1 look within"));
}

TEST(AwaitThatTest, GivesTheValueThatMatches) {
  int looks = 0;
  EXPECT_EQ(awaitThat([&] { return ++looks; }, testing::Ge(3), 10s, 1ms), 3);
  EXPECT_EQ(awaitThat([&] { return ++looks; }, 5, 10s, 1ms), 5);
  Result result = awaitThat([&] { return exited(++looks < 8 ? 0 : 4); }, ExitedWith(4), 10s, 1ms);
  EXPECT_EQ(result.outcome.exitStatus(), 4);
}

TEST(AwaitThatTest, FailureSaysWhatWasWaitedForAndWhatWasSeen) {
  NodeError error = errorOf([] { awaitThat([] { return 2; }, testing::Ge(3), 0s); });
  EXPECT_THAT(error.what(),
              HasSubstr("wait for a value that is >= 3: timeout: not seen in 1 look within"));
  EXPECT_THAT(error.what(), HasSubstr("the last saw 2"));
}

TEST(AwaitThatTest, TextsOfSeveralLinesAreShownByTheirDifference) {
  auto look = [] { return std::string("n1\nn2\nn4\n"); };
  NodeError error = errorOf([&] { awaitThat(look, "n1\nn2\nn3\n", 0s); });
  EXPECT_THAT(error.what(), HasSubstr("the last saw a text of 3 lines, which differs from the "
                                      "expected one (- expected, + seen):\n"));
  EXPECT_THAT(error.what(), HasSubstr("\n n1\n n2\n-n3\n+n4\n"));
  error = errorOf([&] { awaitThat(look, "n1\nn2\nn4", 0s); });
  EXPECT_THAT(error.what(), HasSubstr("only the seen one ends with a newline"));
  std::string one = errorOf([] { awaitThat([] { return std::string("a"); }, "b", 0s); }).what();
  EXPECT_THAT(one, AllOf(HasSubstr("the last saw \"a\""), Not(HasSubstr("expected, +"))));
}

TEST(AwaitThatTest, EventuallyShowsTheDifferenceToo) {
  testing::StringMatchResultListener listener;
  auto look = [] { return std::string("a\nb\n"); };
  EXPECT_FALSE(testing::ExplainMatchResult(Eventually("a\nc\n", 0s), look, &listener));
  EXPECT_THAT(listener.str(), HasSubstr("\n a\n-c\n+b\n"));
}

TEST(AwaitThatTest, LongTextsAreNotCompared) {
  std::string lines(2000, '\n');
  EXPECT_FALSE(internal::differenceOf(lines, lines + "x").has_value());
  EXPECT_FALSE(internal::differenceOf("a", "b\n").has_value());
}

}  // namespace
