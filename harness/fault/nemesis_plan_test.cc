#include "harness/fault/nemesis_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/fault/nemesis_json.h"

namespace harness::nemesis {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

const Target kS1 = {"server", 1};
const Target kS2 = {"server", 2};
const Target kC1 = {"client", 1};

Plan plan(std::vector<Step> steps) {
  return {.generator = "hand",
          .duration = 1min,
          .nodes = {{"a", "server"}, {"b", "server"}, {"c", "client"}},
          .steps = std::move(steps)};
}

std::string whyRefused(const Plan& plan) {
  try {
    check(plan);
  } catch (const PlanError& error) {
    return error.what();
  }
  return "";
}

std::string whyRefused(const std::string& json) {
  try {
    planFromJson(json);
  } catch (const PlanError& error) {
    return error.what();
  }
  return "";
}

std::string replaced(std::string text, const std::string& old, const std::string& by) {
  size_t at = text.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  return text.replace(at, old.size(), by);
}

TEST(NemesisPlanTest, WrongStepIsRefusedWithItsNumberAndWhatIsRight) {
  struct Case {
    Step step;
    const char* reason;
  };
  for (const Case& each : std::vector<Case>{
           {{"isolat", 0s, 1s, {{kS1}}}, "step 1: kind: \"isolat\" is none of isolate, one-way"},
           {{"isolate", -1s, 1s, {{kS1}}}, "step 1: at_ms: -1000 is not within 24 hours"},
           {{"isolate", 0s, 0s, {{kS1}}}, "duration_ms: 0 is not from 1 ms to 24 hours"},
           {{"isolate", 0s, 1s, {}}, "targets: isolate takes one group of one node"},
           {{"one-way", 0s, 1s, {{kS1}}}, "targets: one-way takes two groups of one node"},
           {{"partition", 0s, 1s, {{kS1}, {}}}, "two groups of nodes or more"},
           {{"partition", 0s, 1s, {{kS1}, {kS1}}}, "server:1 is named twice"},
           {{"freeze", 0s, 1s, {{{"server", 3}}}}, "the topology has no node server:3"},
           {{"slow", 0s, 1s, {{kS1}}}, "slow needs rate_kbps, from 8 to 100000000"},
           {{"slow", 0s, 1s, {{kS1}}, {{"rate_kbps", 7}}}, "rate_kbps: 7 is not in the range"},
           {{"freeze", 0s, 1s, {{kS1}}, {{"depth", 1}}}, "freeze has no \"depth\""}}) {
    EXPECT_THAT(whyRefused(plan({each.step})), HasSubstr(each.reason));
  }
}

TEST(NemesisPlanTest, StepsThatCannotGoOnTogetherAreRefused) {
  Step isolate{"isolate", 1s, 4s, {{kS1}}};
  Step oneWay{"one-way", 3s, 4s, {{kS2}, {kC1}}};
  Step slow{"slow", 3s, 4s, {{kS1}}, {{"rate_kbps", 1000}}};
  Step late{"late", 4s, 4s, {{kS1}}, {{"delay_ms", 5}}};
  Step freeze{"freeze", 4s, 4s, {{kS1}}};
  Step freezeOther{"freeze", 5s, 4s, {{kC1}}};
  EXPECT_EQ(whyRefused(plan({isolate, slow})), "");
  EXPECT_EQ(whyRefused(plan({freeze, freezeOther})), "");
  EXPECT_THAT(whyRefused(plan({isolate, oneWay})),
              HasSubstr("step 2: one-way server:2 to client:1 would begin while step 1, isolate "
                        "server:1, goes on"));
  EXPECT_THAT(whyRefused(plan({slow, late})), HasSubstr("step 2: late"));
  freezeOther.at = 4s;
  EXPECT_THAT(whyRefused(plan({isolate, freezeOther})), HasSubstr("step 2: freeze client:1"));
  EXPECT_THAT(whyRefused(plan({slow, freeze})), HasSubstr("step 2: freeze"));
  EXPECT_THAT(whyRefused(plan({freeze, isolate})), HasSubstr("before that of the step above"));
  oneWay.at = 5s;
  EXPECT_EQ(whyRefused(plan({isolate, oneWay})), "") << "the end comes before the beginning";
}

TEST(NemesisPlanTest, ActionsComeInOneOrder) {
  using enum Action::What;
  Plan some = plan({{"isolate", 1s, 4s, {{kS1}}},
                    {"slow", 3s, 9s, {{kS1}}, {{"rate_kbps", 1000}}},
                    {"one-way", 5s, 1s, {{kS2}, {kC1}}}});
  EXPECT_EQ(actionsOf(some), (std::vector<Action>{{1s, kBegin, 0},
                                                  {3s, kBegin, 1},
                                                  {5s, kHeal, 0},
                                                  {5s, kBegin, 2},
                                                  {6s, kHeal, 2},
                                                  {12s, kHeal, 1}}));
}

TEST(NemesisPlanTest, PlanIsBoundToOtherNodesOfTheSameTopology) {
  auto names = bind(plan({}), {{"x", "client"}, {"y", "server"}, {"z", "server"}});
  EXPECT_EQ(names, (std::map<Target, std::string>{{kC1, "x"}, {kS1, "y"}, {kS2, "z"}}));
  try {
    bind(plan({}), {{"x", "client"}, {"y", "server"}});
    FAIL() << "it was bound";
  } catch (const PlanError& error) {
    EXPECT_STREQ(error.what(),
                 "topology: the plan is for 1 of role \"client\", 2 of role \"server\", and the "
                 "nodes are 1 of role \"client\", 1 of role \"server\"; draw a plan for these");
  }
}

TEST(NemesisPlanTest, JsonIsReadAsItWasWritten) {
  Plan some =
      plan({{"isolate", 1s, 4s, {{kS1}}}, {"lossy", 9s, 1ms, {{kC1}}, {{"loss_percent", 7}}}});
  some.seed = UINT64_MAX;
  some.stream = "A.B/0";
  some.excluded = {{"late", "no \"netem\""}};
  EXPECT_EQ(planFromJson(toJson(some)), some);
  EXPECT_EQ(toJson(planFromJson(toJson(some))), toJson(some));
  EXPECT_THAT(toJson(some), HasSubstr("\"seed\": 18446744073709551615"));
}

// Errors of nodes and names of others may hold any bytes.
TEST(NemesisPlanTest, BytesThatAreNotUtf8AreWrittenAllTheSame) {
  Plan some = plan({{"isolate", 1s, 4s, {{kS1}}}});
  some.stream = "A.\xff";
  some.excluded = {{"late", "no \xc3"}};
  Plan read = planFromJson(toJson(some));
  EXPECT_EQ(read.stream, "A.\xef\xbf\xbd");
  EXPECT_EQ(read.excluded.at("late"), "no \xef\xbf\xbd");
  EXPECT_EQ(read.steps, some.steps);
}

TEST(NemesisPlanTest, WrongJsonIsRefusedWithThePlace) {
  std::string right = toJson(plan({{"isolate", 1s, 4s, {{kS1}}}}));
  ASSERT_EQ(whyRefused(right), "");
  EXPECT_THAT(whyRefused(std::string("{")), HasSubstr("plan: it is no JSON"));
  EXPECT_EQ(whyRefused(std::string("[]")), "plan: it is no object");
  EXPECT_EQ(whyRefused(replaced(right, "\"version\": 1", "\"version\": 2")),
            "version: this program reads version 1");
  EXPECT_THAT(whyRefused(replaced(right, "muster nemesis plan", "x")), HasSubstr("format: "));
  EXPECT_EQ(whyRefused(replaced(right, "at_ms", "at")),
            "step 1: \"at\" is none of at_ms, duration_ms, kind, targets, parameters");
  EXPECT_EQ(whyRefused(replaced(right, "1000", "1.5")), "step 1: at_ms: 1.5 is no whole number");
  EXPECT_EQ(whyRefused(replaced(right, "\"server:1\"", "\"server1\"")),
            "target 1: \"server1\" is no role with a number, such as server:1");
  EXPECT_EQ(whyRefused(replaced(right, "\"seed\": 0", "\"seed\": -1")), "seed: -1 is no seed");
  EXPECT_EQ(whyRefused(replaced(right, "server:1", "server:3")),
            "step 1: targets: the topology has no node server:3");
}

}  // namespace
}  // namespace harness::nemesis
