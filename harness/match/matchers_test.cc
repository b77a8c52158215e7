// The matchers on values made by hand, and the texts that a failed expectation shows.
#include <errno.h>
#include <signal.h>

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <muster/matchers.h>

namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ContainsRegex;
using testing::DescribeMatcher;
using testing::HasSubstr;
using testing::Not;

Result resultOf(Outcome outcome, const std::string& out = "", const std::string& node = "n1") {
  Result result;
  result.node = node;
  result.argv = {"kvctl", "status"};
  result.outcome = outcome;
  result.out = out;
  result.outProducedBytes = out.size();
  result.elapsed = 5ms;
  return result;
}

// Returns the text of EXPECT_THAT for a mismatch.
template <typename Value, typename Matcher>
std::string explained(const Value& value, const Matcher& matcher) {
  testing::StringMatchResultListener listener;
  EXPECT_FALSE(testing::ExplainMatchResult(matcher, value, &listener));
  return listener.str();
}

TEST(MatchersTest, OutcomesAreToldApart) {
  EXPECT_THAT(resultOf(Outcome::exited(0)), Succeeded());
  EXPECT_THAT(resultOf(Outcome::exited(2)), AllOf(Not(Succeeded()), ExitedWith(2)));
  EXPECT_THAT(resultOf(Outcome::signalled(SIGSEGV, Outcome::CoreDump::kWritten)),
              Signalled(SIGSEGV));
  EXPECT_THAT(resultOf(Outcome::notStarted(ENOENT, "x")), AllOf(NotStarted(ENOENT), NotStarted(0)));
  EXPECT_THAT(resultOf(Outcome::killed(Outcome::Kind::kDeadline, 0, 9)),
              AllOf(HitDeadline(), Not(Signalled(9))));
  EXPECT_THAT(resultOf(Outcome::lost(LostReason::kNodeRebooted, "")),
              AllOf(Lost(), Lost(LostReason::kNodeRebooted), Not(Succeeded())));
  EXPECT_THAT(Outcome::exited(0), Succeeded());
}

TEST(MatchersTest, OutputIsMatchedWholeOrInPart) {
  Result result = resultOf(Outcome::exited(0), "ready\n");
  EXPECT_THAT(result, AllOf(StdoutIs("ready\n"), StdoutHas("ead"), Prints("ready"), StderrIs("")));
  EXPECT_THAT(result, Not(StdoutIs("ready")));
  EXPECT_THAT(resultOf(Outcome::exited(1), "ready"), Not(Prints("ready")));
}

TEST(MatchersTest, FailureNamesNodeCommandAndOutcome) {
  Result result = resultOf(Outcome::exited(2), "no quorum\n");
  EXPECT_EQ(testing::PrintToString(result),
            "node n1: run [\"kvctl\", \"status\"]: exited with status 2 after 5.0 ms\n"
            "  wrote 10 bytes to stdout, 0 to stderr\n"
            "  stdout:\n"
            "    no quorum");
  EXPECT_EQ(DescribeMatcher<const Result&>(Succeeded()), "exits with status 0");
  EXPECT_EQ(DescribeMatcher<const Result&>(Signalled(9)), "is killed by signal 9 (Killed)");
  EXPECT_THAT(explained(result, StdoutIs("ok")), HasSubstr("whose stdout is \"no quorum\\n\""));
}

// A set that came out empty must not look like one whose nodes all pass.
TEST(MatchersTest, NothingTestedIsNoMatch) {
  Results none{std::vector<NodeResult>()};
  std::string reason = "there is no node in it, so nothing was tested";
  EXPECT_THAT(explained(none, OnEachNode(Succeeded())), HasSubstr(reason));
  EXPECT_THAT(explained(none, Succeeded()), HasSubstr(reason));
  EXPECT_THAT(none, Not(OnEachNode(testing::_)));
}

TEST(MatchersTest, OnEachNodeNamesThoseThatDoNotMatch) {
  Results results({{"n1", resultOf(Outcome::exited(0)), {}},
                   {"n2", resultOf(Outcome::exited(3), "", "n2"), {}},
                   {"n3", {}, NodeError(NodeError::Kind::kUnreachable, "n3", "run", "gone")}});
  EXPECT_FALSE(results.succeeded());
  EXPECT_THAT(results.failed(), testing::ElementsAre("n2", "n3"));
  std::string text = explained(results, OnEachNode(Succeeded()));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("on n1")), HasSubstr("on n2: node n2: run"),
                          HasSubstr("on n3: node n3: run: unreachable: gone")));
  EXPECT_THAT(Results({{"n1", resultOf(Outcome::exited(0)), {}}}), OnEachNode(Succeeded()));
  EXPECT_THROW(results["n3"], NodeError);
  EXPECT_THROW(results["n4"], NodeError);
}

TEST(EventuallyTest, SucceedsAsSoonAsItIsSeen) {
  int looks = 0;
  auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT([&] { return ++looks; }, Eventually(testing::Ge(3), 10s, 1ms));
  EXPECT_EQ(looks, 3);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST(EventuallyTest, ReportsTheLastLookAndHowManyThereWere) {
  std::string text = explained([] { return 7; }, Eventually(testing::Eq(8), 25ms, 10ms));
  EXPECT_THAT(text, ContainsRegex("not seen in [2-4] looks within .* ms; the last saw 7"));
}

TEST(EventuallyTest, ReportsWhatTheLooksBeforeSaw) {
  int looks = 0;
  auto look = [&] { return ++looks < 3 ? "starting" : "failed"; };
  std::string text = explained(look, Eventually(std::string("active"), 25ms, 5ms));
  EXPECT_THAT(text, ContainsRegex("the last saw .*\"failed\".*; before that\n"
                                  "  at .*: .*\"starting\".* \\(2 looks\\)$"));
}

TEST(EventuallyTest, LooksOnceEvenWithoutTime) {
  EXPECT_THAT([] { return 1; }, Eventually(testing::Eq(1), 0s));
}

TEST(EventuallyTest, LooksForALastTimeAtTheDeadline) {
  int looks = 0;
  EXPECT_THAT([&] { return ++looks; }, Eventually(testing::Ge(2), 20ms, 1h));
  EXPECT_EQ(looks, 2);
}

TEST(EventuallyTest, LastLookHasTimeOfItsOwn) {
  std::chrono::nanoseconds left{0};
  EXPECT_THAT(
      [&] {
        left = DeadlineScope::remaining();
        return 1;
      },
      testing::Not(Eventually(testing::Eq(2), 20ms, 1h)));
  EXPECT_GT(left, 500ms);
  EXPECT_LT(left, 5s);
}

TEST(EventuallyTest, ThereIsNoLastLookBehindTheEnclosingScope) {
  int looks = 0;
  DeadlineScope scope(20ms);
  EXPECT_THAT([&] { return ++looks; }, testing::Not(Eventually(testing::Ge(2), 1h, 1h)));
  EXPECT_EQ(looks, 1);
}

TEST(EventuallyTest, NodeErrorsAreNotYet) {
  int looks = 0;
  auto flaky = [&] {
    if (++looks < 3) throw NodeError(NodeError::Kind::kUnreachable, "n1", "run", "gone");
    return resultOf(Outcome::exited(0));
  };
  EXPECT_THAT(flaky, Eventually(Succeeded(), 10s, 1ms));
}

TEST(EventuallyTest, CallsInsideEndWithIt) {
  std::chrono::nanoseconds seen{0};
  EXPECT_THAT(
      [&] {
        seen = DeadlineScope::remaining();
        return true;
      },
      Eventually(testing::IsTrue(), 2s));
  EXPECT_LE(seen, 2s);
  EXPECT_GT(seen, 0s);
}

TEST(FailsWithTest, CallsOnce) {
  int calls = 0;
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT([&] { ++calls; }, FailsWith(NodeError::Kind::kDenied)),
                          "a callable, which does");
  EXPECT_EQ(calls, 1);
}

TEST(FailsWithTest, ComparesKindAndText) {
  auto call = [] { throw NodeError(NodeError::Kind::kDenied, "n1", "stat", "not yours"); };
  EXPECT_THAT(call, FailsWith(NodeError::Kind::kDenied, HasSubstr("not yours")));
  EXPECT_THAT(call, Not(FailsWith(NodeError::Kind::kNotFound)));
  EXPECT_THAT([] {}, Not(FailsWith(NodeError::Kind::kDenied)));
}

}  // namespace
