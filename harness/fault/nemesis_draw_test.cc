#include "harness/fault/nemesis_draw.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/fault/nemesis_json.h"
#include "harness/fault/nemesis_random.h"

namespace harness::nemesis {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::SizeIs;
using namespace std::chrono_literals;

const std::vector<PlanNode> kFive = {
    {"s1", "server"}, {"s2", "server"}, {"s3", "server"}, {"s4", "server"}, {"c1", "client"}};

Wish wishFor(const std::string& generator, uint64_t seed) {
  return {.generator = generator, .seed = seed, .duration = 10min, .nodes = kFive};
}

std::set<std::string> kindsIn(const Plan& plan) {
  std::set<std::string> names;
  for (const Step& step : plan.steps) names.insert(step.kind);
  return names;
}

// The first numbers of the published C sources for these states.
TEST(NemesisRandomTest, NumbersAreThoseOfThePublishedGenerators) {
  uint64_t state = 1234567;
  EXPECT_EQ(splitmix64(state), 6457827717110365317u);
  EXPECT_EQ(splitmix64(state), 3203168211198807973u);
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325u);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cu);
  Random random(1);
  EXPECT_EQ(random.next(), 12966619160104079557u);
  EXPECT_EQ(random.next(), 9600361134598540522u);
}

TEST(NemesisRandomTest, NumbersBelowALimitAreAllDrawnAndNoOthers) {
  Random random(7);
  std::set<uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.below(5));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4}));
  for (int i = 0; i < 200; ++i) {
    EXPECT_THAT(random.between(-2, 2), AllOf(testing::Ge(-2), testing::Le(2)));
  }
}

// A plan that was stored with its seed only would change if this did.
TEST(NemesisDrawTest, SeedGivesTheRecordedPlan) {
  Wish wish = wishFor("gentle", 42);
  wish.stream = "KvTest.Writes";
  wish.duration = 20s;
  EXPECT_EQ(toText(draw(wish)),
            "nemesis gentle, seed 42 for KvTest.Writes, 20.0 s, 1 of role \"client\", 4 of role "
            "\"server\", 3 faults\n"
            "  without partition: it is not gentle\n"
            "  without power-cycle: it is not gentle\n"
            "  1. at 1.03 s for 4.65 s: lossy server:3 loss_percent=20\n"
            "  2. at 8.34 s for 1.51 s: freeze server:4\n"
            "  3. at 12.9 s for 3.93 s: one-way server:4 to client:1\n");
  wish.generator = "rough";
  EXPECT_EQ(toText(draw(wish)),
            "nemesis rough, seed 42 for KvTest.Writes, 20.0 s, 1 of role \"client\", 4 of role "
            "\"server\", 6 faults\n"
            "  1. at 425 ms for 6.17 s: slow server:3 rate_kbps=697\n"
            "  2. at 2.21 s for 7.35 s: partition server:1 / client:1,server:2,server:3,server:4\n"
            "  3. at 3.66 s for 5.85 s: late server:4 delay_ms=223\n"
            "  4. at 8.57 s for 5.37 s: late client:1 delay_ms=152\n"
            "  5. at 14.1 s for 3.80 s: lossy server:3 loss_percent=15\n"
            "  6. at 17.6 s for 1.55 s: late client:1 delay_ms=106\n");
}

TEST(NemesisDrawTest, SeedAndTestDecide) {
  Wish wish = wishFor("rough", 42);
  EXPECT_EQ(draw(wish), draw(wish));
  Plan plan = draw(wish);
  wish.stream = "A.B";
  EXPECT_NE(draw(wish).steps, plan.steps);
  wish.stream = "";
  wish.seed = 43;
  EXPECT_NE(draw(wish).steps, plan.steps);
}

TEST(NemesisDrawTest, EveryDrawnPlanCanBeDriven) {
  for (const std::string& generator : generators()) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
      Plan plan = draw(wishFor(generator, seed));
      ASSERT_NO_THROW(check(plan)) << generator << " " << seed;
      ASSERT_THAT(plan.steps, SizeIs(testing::Gt(10u)));
      for (const Step& step : plan.steps) ASSERT_LE(step.at + step.duration, plan.duration);
      ASSERT_EQ(planFromJson(toJson(plan)), plan);
    }
  }
}

// Whatever is drawn, stored and printed is to be replayed.
TEST(NemesisDrawTest, PlansOfTheLeastAndTheMostLengthAreReadAsTheyWereWritten) {
  for (const std::string& generator : generators()) {
    for (Milliseconds duration : {kDurationLeast, kDurationMost}) {
      Wish wish = wishFor(generator, 1);
      wish.duration = duration;
      Plan plan = draw(wish);
      ASSERT_EQ(planFromJson(toJson(plan)), plan) << generator;
      EXPECT_THAT(plan.steps, SizeIs(testing::Ge(duration == kDurationMost ? 12'000u : 1u)));
    }
  }
}

TEST(NemesisDrawTest, PlanThatCouldNotBeReadIsRefusedWhenItIsDrawn) {
  auto whyRefused = [](const Wish& wish) -> std::string {
    try {
      draw(wish);
    } catch (const PlanError& error) {
      return error.what();
    }
    return "";
  };
  Wish wish = wishFor("rough", 1);
  wish.duration = kDurationLeast - 1ms;
  EXPECT_EQ(whyRefused(wish), "duration_ms: 6999 is not from 7000 to 86400000");
  wish.duration = kDurationMost + 1ms;
  EXPECT_THAT(whyRefused(wish), HasSubstr("duration_ms: 86400001 is not from"));
  wish.duration = 10min;
  wish.nodes.assign(1001, {"s", "server"});
  EXPECT_EQ(whyRefused(wish), "topology: there must be 1 to 1000 nodes");
  // Its name stands in each step.
  wish.nodes = {{"a", std::string(512 << 10, 'x')}, {"b", "server"}};
  EXPECT_THAT(whyRefused(wish),
              AllOf(HasSubstr("plan: it would have "), HasSubstr(" MiB with its "),
                    HasSubstr("of over 32 MiB cannot be read; draw a shorter")));
}

TEST(NemesisDrawTest, GentlePlanHasOneFaultAtATimeAndQuietBehindIt) {
  Plan plan = draw(wishFor("gentle", 3));
  for (size_t i = 1; i < plan.steps.size(); ++i) {
    const Step& before = plan.steps[i - 1];
    EXPECT_GE(plan.steps[i].at - before.at - before.duration, 2s);
  }
}

TEST(NemesisDrawTest, GentlePlanTakesOnlyAMinorityOfARoleAway) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    for (const Step& step : draw(wishFor("gentle", seed)).steps) {
      if (kindOf(step.kind).lane == Lane::kLink) continue;
      EXPECT_EQ(step.targets[0], std::vector<Target>{step.targets[0][0]});
      EXPECT_EQ(step.targets[0][0].role, "server") << "one client of one is a majority";
    }
  }
}

TEST(NemesisDrawTest, RoughPlanHasEveryKindOverlapsAndMajorities) {
  Plan plan = draw(wishFor("rough", 1));
  EXPECT_THAT(kindsIn(plan), SizeIs(kinds().size()));
  bool hasOverlap = false;
  bool hasMajority = false;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    hasOverlap =
        hasOverlap || (i > 0 && plan.steps[i - 1].at + plan.steps[i - 1].duration > step.at);
    hasMajority = hasMajority || (step.kind == "partition" && step.targets[0].size() >= 2 &&
                                  step.targets[1].size() >= 2);
  }
  EXPECT_TRUE(hasOverlap);
  EXPECT_TRUE(hasMajority);
}

TEST(NemesisDrawTest, WhatNodesCannotDoIsLeftOutWithTheReason) {
  Wish wish = wishFor("rough", 1);
  wish.lacking = {{Ability::kFreeze, "real machines"}, {Ability::kDelay, "no sch_netem"}};
  wish.without = {{"isolate", "unwanted"}};
  Plan plan = draw(wish);
  EXPECT_THAT(kindsIn(plan), AllOf(Not(Contains("freeze")), Not(Contains("late"))));
  EXPECT_EQ(plan.excluded.at("freeze"), "real machines");
  EXPECT_EQ(plan.excluded.at("isolate"), "unwanted");
  EXPECT_THAT(kindsIn(plan), Not(Contains("isolate")));
  EXPECT_THAT(toText(plan), HasSubstr("  without late: no sch_netem\n"));
}

TEST(NemesisDrawTest, SmallClustersGetWhatIsPossible) {
  Wish wish = wishFor("gentle", 1);
  wish.nodes = {{"s1", "server"}, {"c1", "client"}};
  Plan plan = draw(wish);
  EXPECT_EQ(kindsIn(plan), (std::set<std::string>{"late", "slow"}));
  EXPECT_EQ(plan.excluded.at("isolate"), "no role has three nodes, of which one is a minority");
  wish.lacking = {{Ability::kRate, "no tc"}, {Ability::kDelay, "no tc"}};
  EXPECT_THAT(draw(wish).steps, IsEmpty());
  wish.generator = "rough";
  wish.nodes = {{"s1", "server"}};
  EXPECT_EQ(draw(wish).excluded.at("isolate"), "there is one node only");
}

TEST(NemesisDrawTest, WrongWishIsRefused) {
  EXPECT_THROW(draw(wishFor("wild", 1)), PlanError);
  Wish wish = wishFor("rough", 1);
  wish.nodes.clear();
  EXPECT_THROW(draw(wish), PlanError);
}

}  // namespace
}  // namespace harness::nemesis
