// Runs a small campaign with every run of the tests. ./dev simulate runs large ones.
#include <gtest/gtest.h>

#include "schema/support/base/log.h"
#include "tests_d/muster/simulation/campaign.h"

namespace simulation {
namespace {

constexpr uint64_t kSeeds = 250;
constexpr uint64_t kReplayed = 25;

TEST(SimulationTest, EveryInvariantHolds) {
  support::CapturedLog quiet;
  Campaign campaign = runCampaign(1, 1, kSeeds, OnFailure::kGoOn);
  for (const Report& failure : campaign.failures) {
    ADD_FAILURE() << "seed " << failure.seed << ": " << failure.violation
                  << "\nagain, with its history: ./dev simulate --seed " << failure.seed;
  }
  EXPECT_EQ(campaign.seeds, kSeeds);
}

// A violation can be looked into only if its seed gives the same history again, event for event.
TEST(SimulationTest, SameSeedGivesTheSameHistory) {
  support::CapturedLog quiet;
  Campaign once = runCampaign(7, 1, kReplayed, OnFailure::kGoOn);
  Campaign again = runCampaign(7, 1, kReplayed, OnFailure::kGoOn);
  EXPECT_EQ(once.hash, again.hash);
  EXPECT_EQ(once.steps, again.steps);
  Campaign others = runCampaign(8, 1, kReplayed, OnFailure::kGoOn);
  EXPECT_NE(once.hash, others.hash);
}

}  // namespace
}  // namespace simulation
