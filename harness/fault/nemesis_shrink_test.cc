#include "harness/fault/nemesis_shrink.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/fault/nemesis_draw.h"

namespace harness::nemesis {
namespace {

using namespace std::chrono_literals;

Plan longPlan() {
  Plan plan = draw({.generator = "gentle",
                    .seed = 5,
                    .duration = 5min,
                    .nodes = {{"a", "server"}, {"b", "server"}, {"c", "server"}}});
  EXPECT_GT(plan.steps.size(), 30u);
  return plan;
}

// Finds the step although it was moved.
bool has(const Plan& plan, const Step& step) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& each) {
    return each.kind == step.kind && each.targets == step.targets &&
           each.parameters == step.parameters;
  });
}

TEST(NemesisShrinkTest, StepsThatMatterAreLeftAndGetShort) {
  Plan plan = longPlan();
  const Step first = plan.steps[7];
  const Step second = plan.steps[21];
  auto fails = [&](const Plan& each) {
    check(each);
    return has(each, first) && has(each, second);
  };
  Shrunk shrunk = shrink(plan, fails, 1000);
  EXPECT_TRUE(shrunk.isDone);
  ASSERT_EQ(shrunk.plan.steps.size(), 2u);
  EXPECT_TRUE(fails(shrunk.plan));
  for (const Step& step : shrunk.plan.steps) EXPECT_LT(step.duration, 1s);
  EXPECT_EQ(shrunk.plan.steps[0].at, 1s);
  EXPECT_LT(shrunk.runs, 100u);
  EXPECT_EQ(shrunk.plan.nodes, plan.nodes);
}

TEST(NemesisShrinkTest, DurationThatMattersStays) {
  Plan plan = longPlan();
  plan.steps.resize(1);
  plan.steps[0].duration = 4s;
  Shrunk shrunk = shrink(
      plan, [](const Plan& each) { return each.steps[0].duration >= 2s; }, 1000);
  EXPECT_EQ(shrunk.plan.steps[0].duration, 2s);
}

TEST(NemesisShrinkTest, NumberOfRunsAndTimeAreBounds) {
  Plan plan = longPlan();
  auto fails = [&](const Plan& each) { return has(each, plan.steps[3]); };
  Shrunk shrunk = shrink(plan, fails, 3);
  EXPECT_EQ(shrunk.runs, 3u);
  EXPECT_FALSE(shrunk.isDone);
  EXPECT_TRUE(fails(shrunk.plan));
  shrunk = shrink(plan, fails, 100, [] { return false; });
  EXPECT_EQ(shrunk.runs, 0u);
  EXPECT_EQ(shrunk.plan, plan);
}

TEST(NemesisShrinkTest, PlanOfWhichEachStepMattersStays) {
  Plan plan = longPlan();
  plan.steps.resize(5);
  for (Step& step : plan.steps) step.duration = 600ms;
  plan.steps[0].at = 700ms;
  size_t count = plan.steps.size();
  Shrunk shrunk = shrink(
      plan, [&](const Plan& each) { return each.steps.size() == count; }, 1000);
  EXPECT_EQ(shrunk.plan, plan);
  EXPECT_TRUE(shrunk.isDone);
}

}  // namespace
}  // namespace harness::nemesis
