// Every matcher of ours within those of gmock, and every one of gmock's within ours: that it
// compiles, what it decides, and that its texts are words. It stands here for the scripted agent.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <muster/matchers.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"
#include "harness/rpc/fake/fake_agent_fixture.h"

namespace harness {
namespace {

using namespace muster;
using namespace std::chrono_literals;
using testing::_;
using testing::AllOf;
using testing::AnyOf;
using testing::Conditional;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatcherCast;
using testing::Not;
using testing::Optional;
using testing::Pair;
using testing::Pointee;
using testing::ResultOf;
using testing::SafeMatcherCast;
using testing::SizeIs;
using testing::UnorderedElementsAre;

Result exited(int status, const std::string& out = "") {
  Result result;
  result.node = "n1";
  result.argv = {"x"};
  result.outcome = Outcome::exited(status);
  result.out = out;
  return result;
}

// A node of a scripted agent, and the set of it.
class CombinedMatchersTest : public testing::Test {
 protected:
  CombinedMatchersTest()
      : node_(ApiAccess::node(controller_.connect(agent_.description()))), nodes_({node_}) {}

  // Puts `matcher` into each of gmock's that takes a matcher of any type. `value` matches it.
  template <typename Value, typename Matcher>
  static void combine(const Value& value, const Matcher& matcher) {
    EXPECT_THAT(value, matcher);
    EXPECT_THAT(value, Not(Not(matcher)));
    EXPECT_THAT(value, AllOf(matcher, _, Not(Not(matcher))));
    EXPECT_THAT(value, AnyOf(Not(matcher), matcher));
    EXPECT_THAT(value, Not(AllOf(matcher, Not(matcher))));
    EXPECT_THAT(value, Conditional(true, matcher, Not(matcher)));
    EXPECT_THAT(&value, Pointee(matcher));
    EXPECT_THAT(&value, AllOf(testing::NotNull(), Pointee(AllOf(matcher, matcher))));
    EXPECT_THAT(0, ResultOf([&value](int) -> const Value& { return value; }, matcher));
    EXPECT_FALSE(testing::Value(value, Not(matcher)));
    testing::Matcher<const Value&> typed = matcher;
    EXPECT_THAT(value, typed);
    EXPECT_THAT(value, MatcherCast<const Value&>(typed));
    EXPECT_THAT(testing::DescribeMatcher<const Value&>(AllOf(matcher, Not(matcher))),
                Not(HasSubstr("-byte object")));
  }

  // Puts it into those for containers, which copy values, too.
  template <typename Value, typename Matcher>
  static void combineInContainers(const Value& value, const Matcher& matcher) {
    std::vector<Value> values = {value, value};
    EXPECT_THAT(value, testing::AllOfArray({SafeMatcherCast<const Value&>(matcher)}));
    EXPECT_THAT(values, AllOf(SizeIs(2), Each(matcher), Contains(matcher)));
    EXPECT_THAT(values, AllOf(ElementsAre(matcher, _), UnorderedElementsAre(matcher, matcher)));
    EXPECT_THAT(values, Not(Contains(Not(matcher))));
    EXPECT_THAT(values, Contains(matcher).Times(2));
    EXPECT_THAT(std::optional<Value>(value), Optional(AnyOf(matcher, matcher)));
    EXPECT_THAT(std::make_pair(1, value), Pair(1, matcher));
  }

  FakeAgent agent_;
  Controller controller_;
  Node node_;
  NodeSet nodes_;
};

TEST_F(CombinedMatchersTest, OutcomesGoIntoAllOfThem) {
  Outcome outcome = Outcome::exited(0);
  Result result = exited(0);
  NodeResult one{"n1", result, {}};
  combine(outcome, Succeeded());
  combine(result, ExitedWith(0));
  combine(one, AnyOf(Succeeded(), Lost()));
  combineInContainers(outcome, Succeeded());
  combineInContainers(result, Not(HitDeadline()));
  combineInContainers(one, Succeeded());
}

TEST_F(CombinedMatchersTest, OutputGoesIntoAllOfThem) {
  Result result = exited(0, "ready\n");
  combine(result, StdoutIs(testing::StartsWith("rea")));
  combine(result, StdoutIs(AllOf(HasSubstr("ea"), Not(IsEmpty()), Not("x"))));
  combine(result, Prints("ready"));
  combineInContainers(result, AllOf(Succeeded(), StdoutHas("ready"), StderrIs("")));
  EXPECT_THAT(result, AllOf(Field(&Result::out, "ready\n"), StdoutHas("y")));
}

TEST_F(CombinedMatchersTest, OnEachNodeTakesAndGoesIntoAllOfThem) {
  Results results({{"n1", exited(1), {}}, {"n2", exited(1), {}}});
  combine(results, OnEachNode(Not(Succeeded())));
  combine(results, OnEachNode(AllOf(ExitedWith(1), StdoutIs(""))));
  combine(results, OnEachNode(AnyOf(Succeeded(), ExitedWith(1))));
  combine(results, OnEachNode(Field(&Result::out, IsEmpty())));
  combine(results, OnEachNode(ResultOf([](const Result& one) { return one.lines(); }, SizeIs(0))));
  combine(results, OnEachNode(_));
  combineInContainers(results, OnEachNode(Not(Succeeded())));
  combine(nodes_, OnEachNode(Runs({"emit", "a"}, Not(StdoutHas("b")))));
  combine(nodes_, OnEachNode(AllOf(Runs({"emit", "a"}), Not(Runs({"fail", "a"})))));
}

TEST_F(CombinedMatchersTest, SetsAreContainersToGmock) {
  Results results({{"n1", exited(1), {}}, {"n2", exited(0), {}}});
  EXPECT_THAT(results, AllOf(SizeIs(2), Not(IsEmpty()), Contains(Succeeded()),
                             ElementsAre(ExitedWith(1), ExitedWith(0))));
  EXPECT_THAT(results, Not(Each(Succeeded())));
  EXPECT_THAT(nodes_, AllOf(SizeIs(1), Each(Runs({"emit", "a"})), Not(IsEmpty()),
                            Contains(Runs({"emit", "a"}, StdoutIs("a")))));
}

TEST_F(CombinedMatchersTest, RunsTakesAndGoesIntoAllOfThem) {
  combine(node_, Runs({"emit", "a"}, AllOf(Succeeded(), StdoutIs(AnyOf("a", "b")))));
  combine(node_, Runs({"fail", "a"}, Not(Succeeded())));
}

TEST_F(CombinedMatchersTest, EventuallyTakesAndGoesIntoAllOfThem) {
  auto number = [] { return 3; };
  combine(number, Eventually(3, 0s));
  combine(number, Eventually(AllOf(testing::Gt(2), Not(4)), 0s));
  combine(number, Eventually(AnyOf(1, testing::Le(3)), 0s));
  auto text = [] { return std::string("ready"); };
  combine(text, Eventually("ready", 0s));
  combine(text, Eventually(AllOf(HasSubstr("ea"), SizeIs(5)), 0s));
  auto list = [] { return std::vector<int>{1, 2}; };
  combine(list, Eventually(ElementsAre(1, Not(1)), 0s));
  std::function<bool()> function = [] { return true; };
  combine(function, Eventually(testing::IsTrue(), 0s));
  combine(node_, Eventually(Runs({"emit", "a"}, Prints("a")), 0s));
  combine(node_, Eventually(AllOf(Runs({"emit", "a"}), Not(Runs({"fail", "a"}))), 0s));
  combine(nodes_, Eventually(OnEachNode(Runs({"emit", "a"})), 0s));
  combine(nodes_, OnEachNode(Eventually(Runs({"emit", "a"}), 0s)));
  auto everywhere = [&] { return nodes_.run({"fail", "a"}); };
  combine(everywhere, Eventually(OnEachNode(Not(Succeeded())), 0s));
}

TEST_F(CombinedMatchersTest, FailsWithTakesAndGoesIntoAllOfThem) {
  auto call = [] { throw NodeError(NodeError::Kind::kDenied, "n1", "stat", "not yours"); };
  auto value = []() -> int { throw NodeError(NodeError::Kind::kDenied, "n1", "stat", "no"); };
  combine(call, FailsWith(NodeError::Kind::kDenied));
  combine(call, FailsWith(NodeError::Kind::kDenied, AllOf(HasSubstr("not"), Not(IsEmpty()))));
  combine(value, AnyOf(FailsWith(NodeError::Kind::kLost), FailsWith(NodeError::Kind::kDenied)));
}

// The commands of a node set are not run again for the text of a failure.
TEST_F(CombinedMatchersTest, OnEachNodeLooksOnce) {
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(nodes_, OnEachNode(Runs({"fail", "a"}))), "status 3");
  EXPECT_EQ(agent_.session().jobs.size(), 1u);
}

// Returns what gtest says of a failure of `matcher`.
template <typename Value, typename Matcher>
std::string failureOf(const Value& value, const Matcher& matcher) {
  auto checked = testing::internal::MakePredicateFormatterFromMatcher(matcher)("it", value);
  return checked ? "" : checked.message();
}

TEST_F(CombinedMatchersTest, FailuresAreWords) {
  int captured = 2;
  const std::string texts[] = {
      failureOf([&] { return captured; }, Eventually(3, 0s)),
      failureOf([] { return 2; }, AllOf(Eventually(3, 0s), _)),
      failureOf(std::function<int()>([] { return 2; }), Not(Eventually(Not(3), 0s))),
      failureOf([&] { return captured; }, Eventually(AnyOf(3, 4), 0s)),
      failureOf([] {}, FailsWith(NodeError::Kind::kLost)),
      failureOf(exited(1), Succeeded()),
      failureOf(Outcome::exited(1), Succeeded()),
      failureOf(Results({{"n1", exited(1), {}}}), OnEachNode(Not(ExitedWith(1)))),
      failureOf(NodeError::Kind::kLost, NodeError::Kind::kDenied),
      failureOf(node_, Not(Eventually(Runs({"emit", "a"}), 0s))),
      failureOf(nodes_, Not(OnEachNode(Runs({"emit", "a"})))),
  };
  for (const std::string& text : texts) {
    EXPECT_THAT(text, AllOf(HasSubstr("Actual: "), Not(HasSubstr("-byte object")),
                            Not(HasSubstr("(of type "))));
  }
  EXPECT_THAT(texts[0], testing::MatchesRegex("Value of: it\nExpected: within .*, in the end: is "
                                              "equal to 3\n  Actual: a callable, not seen in 1 "
                                              "look within .*; the last saw 2"));
  EXPECT_THAT(texts[3], HasSubstr("in the end: (is equal to 3) or (is equal to 4)"));
}

// A class that says what it is, though it can be called.
struct Counter {
  int operator()() const { return 7; }
};
void PrintTo(const Counter&, std::ostream* out) {
  *out << "the counter";
}

TEST_F(CombinedMatchersTest, OwnPrintersGoFirst) {
  EXPECT_THAT(failureOf(Counter(), Eventually(8, 0s)), HasSubstr("Actual: the counter"));
}

}  // namespace
}  // namespace harness
