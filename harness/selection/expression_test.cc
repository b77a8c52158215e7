#include "harness/selection/expression.h"

#include <fstream>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/selection/listed_testing.h"
#include "harness/selection/predicate.h"

namespace harness::selection {
namespace {

using testing::HasSubstr;

// A test that has everything that can be asked for.
ListedTest full() {
  ListedTest test =
      needing(labelled(listed("kvd", "All/KvTest.Heals/0"), {"slow", "net"}), "server", 3);
  test.owner = "storage";
  test.requirements = {"REQ-7"};
  test.isDisruptive = true;
  return test;
}

bool fits(const std::string& expression, const ListedTest& test = full(),
          const Outcomes& outcomes = {}) {
  return Expression::parse(expression).matches(test, outcomes);
}

TEST(ExpressionTest, PredicatesAskForWhatATestSaysOfItself) {
  for (const char* expression :
       {"component(kvd)", "suite(KvTest)",     "suite(All/KvTest)",  "suite(=Kv*)",
        "test(Heals)",    "test(Heals/0)",     "test(KvTest.Heals)", "test(~^He.l)",
        "label(slow)",    "label(=n?t)",       "owner(storage)",     "requirement(~REQ-[0-9])",
        "disruptive",     "disruptive()",      "file(tests_d/kvd)",  "file(=tests_d/*.cc)",
        "file(~KvTest)",  "label( \"slow\" )", "test(~\"(Heals)\")", "test(~(Heals|Other))"}) {
    EXPECT_TRUE(fits(expression)) << expression;
    EXPECT_FALSE(fits("!" + std::string(expression))) << expression;
  }
  ListedTest bare = listed("other", "A.B");
  for (const char* expression :
       {"component(kv)", "suite(Kv)", "test(Heal)", "label(Slow)", "owner(storage)",
        "requirement(REQ-7)", "disruptive", "disabled", "file(tests_d/kvd)", "file(tests_d/ot)"}) {
    EXPECT_FALSE(fits(expression, bare)) << expression;
  }
}

TEST(ExpressionTest, NeedsCompareTheNodesOfARole) {
  for (const char* expression :
       {"needs(server)", "needs(server >= 3)", "needs(server<4)", "needs( server = 3 )",
        "needs(server == 3)", "needs(server != 2)", "needs(client = 0)", "needs(client < 1)"}) {
    EXPECT_TRUE(fits(expression)) << expression;
  }
  for (const char* expression :
       {"needs(client)", "needs(server > 3)", "needs(server <= 2)", "needs(server != 3)"}) {
    EXPECT_FALSE(fits(expression)) << expression;
  }
}

TEST(ExpressionTest, OutcomeIsThatOfTheLastRun) {
  Outcomes outcomes = {{full().id(), run::Outcome::kTimedOut}};
  EXPECT_TRUE(fits("outcome(timed out)", full(), outcomes));
  EXPECT_FALSE(fits("outcome(failed)", full(), outcomes));
  EXPECT_FALSE(fits("outcome(passed)"));
  EXPECT_TRUE(Expression::parse("label(a) | !outcome(failed)").needsOutcomes());
  EXPECT_FALSE(Expression::parse("label(outcome)").needsOutcomes());
}

TEST(ExpressionTest, NotBindsBeforeAndBeforeOr) {
  EXPECT_TRUE(fits("label(slow) | label(x) & label(y)"));
  EXPECT_FALSE(fits("(label(slow) | label(x)) & label(y)"));
  EXPECT_FALSE(fits("!label(slow) & label(x)"));
  EXPECT_TRUE(fits("!(label(slow) & label(x))"));
  EXPECT_TRUE(fits("!!label(slow)&label(net)|label(x)"));
}

// A wrong expression: where, and what is said.
struct Wrong {
  std::string expression;
  size_t column;
  std::string problem;
};
void PrintTo(const Wrong& wrong, std::ostream* out) {
  *out << wrong.expression;
}

class WrongExpressionTest : public testing::TestWithParam<Wrong> {};

TEST_P(WrongExpressionTest, ErrorHasTheColumnAndACaretBelowIt) {
  try {
    Expression::parse(GetParam().expression);
    FAIL() << "it was taken";
  } catch (const ExpressionError& error) {
    EXPECT_EQ(error.column(), GetParam().column) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(GetParam().problem));
    EXPECT_THAT(error.what(),
                testing::EndsWith("\n  " + std::string(error.column() - 1, ' ') + "^"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, WrongExpressionTest,
    testing::Values(
        Wrong{"", 1, "the expression is empty"},
        Wrong{"lable(slow)", 1, "there is no predicate \"lable\"; did you mean \"label\"?"},
        Wrong{"label(slow) & lable(x)", 15, "there is no predicate \"lable\""},
        Wrong{"label(slow) label(x)", 13, "& or | is expected"},
        Wrong{"label(slow) &", 14, "a predicate is expected"},
        Wrong{"label(slow) && label(x)", 14, "one & is enough"},
        Wrong{"label(slow) and label(x)", 13, "& or | is expected"},
        Wrong{"not label(slow)", 1, "\"not\" is written !"},
        Wrong{"(label(slow)", 1, "this bracket is not closed"},
        Wrong{"label(slow", 6, "this bracket is not closed"},
        Wrong{"label(slow))", 12, "this bracket closes nothing"},
        Wrong{"label()", 7, "the value is missing"},
        Wrong{"label", 6, "label takes a value, as label(…)"},
        Wrong{"label(sl*)", 9, "a pattern is written behind =, as (=sl*)"},
        Wrong{"label(\"slow)", 6, "a quotation mark behind this bracket is not closed"},
        Wrong{"label(\"slow\" x)", 13, "nothing may follow the closing quotation mark"},
        Wrong{"test(~[)", 7, "this is no regular expression of RE2: missing ]"},
        Wrong{"disruptive(yes)", 12, "disruptive takes no value"},
        Wrong{"needs(>= 3)", 7, "the role of nodes is missing"},
        Wrong{"needs(server 3)", 14, "a comparison is expected, as in needs(server >= 3)"},
        Wrong{"needs(server >= three)", 17, "a number of nodes is expected"},
        Wrong{"needs(server ! 3)", 14, "the comparisons are <, <=, =, !=, >= and >"},
        Wrong{"outcome(fialed)", 9, "there is no outcome \"fialed\"; did you mean \"failed\"?"},
        Wrong{"label(ä) & lable(x)", 12, "there is no predicate"}));

TEST(ExpressionTest, DepthIsBounded) {
  std::string deep(5000, '(');
  EXPECT_THROW(Expression::parse(deep + "disruptive"), ExpressionError);
  EXPECT_THROW(Expression::parse(std::string(5000, '!') + "disruptive"), ExpressionError);
  std::string wide = "disruptive";
  for (int i = 0; i < 4000; ++i) wide += "|disruptive";
  EXPECT_TRUE(fits(wide));
}

std::string checked(const std::string& expression) {
  try {
    Expression::parse(expression).check({full()});
  } catch (const ExpressionError& error) {
    return error.what();
  }
  return "";
}

TEST(ExpressionTest, PredicateThatFitsNoTestIsAnErrorUnlessItIsNegated) {
  EXPECT_THAT(checked("disruptive & label(slwo)"),
              HasSubstr("column 14: it fits none of the 1 tests; did you mean \"slow\"?"));
  EXPECT_THAT(checked("label(slow) | component(kvb)"), HasSubstr("did you mean \"kvd\"?"));
  EXPECT_THAT(checked("!!label(=x*)"), HasSubstr("column 3: it fits none"));
  EXPECT_THAT(checked("needs(sever >= 1)"), HasSubstr("did you mean \"server\"?"));
  EXPECT_EQ(checked("!label(slwo)"), "");
  EXPECT_EQ(checked("label(slow) | outcome(failed)"), "");
}

}  // namespace
}  // namespace harness::selection
