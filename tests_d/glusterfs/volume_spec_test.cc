// Bricks are placed on the right servers, and `volume create` gets the right arguments.
#include "tests_d/glusterfs/volume_spec.h"

#include <set>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gluster {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

const std::vector<std::string> kServers = {"server1", "server2", "server3"};

TEST(LayOutTest, DistributedVolumeHasOneBrickPerServer) {
  EXPECT_THAT(layOut("v", VolumeType::kDistributed, kServers).createArguments(),
              ElementsAre("volume", "create", "v", "server1:/bricks/v-0", "server2:/bricks/v-1",
                          "server3:/bricks/v-2", "force"));
}

TEST(LayOutTest, ReplicatedVolumeNamesItsCount) {
  EXPECT_THAT(layOut("v", VolumeType::kReplicated, kServers).createArguments(),
              ElementsAre("volume", "create", "v", "replica", "3", "server1:/bricks/v-0",
                          "server2:/bricks/v-1", "server3:/bricks/v-2", "force"));
}

TEST(LayOutTest, ArbiterIsTheLastBrickAndHoldsNoData) {
  const auto layout = layOut("v", VolumeType::kArbiter, kServers);
  ASSERT_THAT(layout.bricks, SizeIs(3));
  EXPECT_FALSE(layout.bricks[0].arbiter);
  EXPECT_FALSE(layout.bricks[1].arbiter);
  EXPECT_TRUE(layout.bricks[2].arbiter);
  EXPECT_THAT(layout.createArguments(), testing::IsSupersetOf({"replica", "3", "arbiter", "1"}));
}

TEST(LayOutTest, DispersedBricksHoldFragments) {
  const auto layout = layOut("v", VolumeType::kDispersed, kServers);
  EXPECT_FALSE(layout.bricksHoldWholeFiles());
  EXPECT_THAT(layout.createArguments(), testing::IsSupersetOf({"disperse", "redundancy", "1"}));
}

TEST(LayOutTest, DistributedReplicatedHasTwoSetsEachOnAllServers) {
  const auto layout = layOut("v", VolumeType::kDistributedReplicated, kServers);
  ASSERT_THAT(layout.bricks, SizeIs(6));
  for (std::size_t set = 0; set < 2; ++set) {
    std::set<std::string> servers;
    for (const Brick& brick : layout.bricks) {
      if (brick.set == set) servers.insert(brick.server);
    }
    EXPECT_THAT(servers, SizeIs(3)) << "set " << set;
  }
  EXPECT_EQ(layout.bricks[3].name(), "server1:/bricks/v-3");
}

TEST(LayOutTest, BrickPathsAreUniqueForEveryType) {
  for (VolumeType type : allVolumeTypes()) {
    std::set<std::string> names;
    const auto layout = layOut("v", type, kServers);
    for (const Brick& brick : layout.bricks) names.insert(brick.name());
    EXPECT_EQ(names.size(), layout.bricks.size()) << type;
  }
}

TEST(LayOutTest, MoreServersThanNeededAreLeftAlone) {
  const auto layout = layOut("v", VolumeType::kReplicated, {"a", "b", "c", "d"});
  for (const Brick& brick : layout.bricks) EXPECT_NE(brick.server, "d");
}

TEST(LayOutTest, TooFewOrRepeatedServersAreRefused) {
  EXPECT_THROW(layOut("v", VolumeType::kReplicated, {"a", "b"}), std::invalid_argument);
  EXPECT_THROW(layOut("v", VolumeType::kReplicated, {"a", "b", "a"}), std::invalid_argument);
}

TEST(LayOutTest, NamesThatGlusterRefusesAreRefusedHere) {
  for (const char* name : {"", "all", "a b", "a/b", "a.b", "../v"}) {
    EXPECT_THROW(layOut(name, VolumeType::kReplicated, kServers), std::invalid_argument) << name;
  }
}

TEST(VolumeTypeTest, NamesAreDistinctWordsForTestNames) {
  std::set<std::string> names;
  for (VolumeType type : allVolumeTypes()) {
    names.insert(toString(type));
    EXPECT_EQ(toString(type).find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
              std::string::npos);
  }
  EXPECT_THAT(names, SizeIs(5));
  EXPECT_EQ(typeInInfo(VolumeType::kArbiter), "Replicate");
}

}  // namespace
}  // namespace gluster
