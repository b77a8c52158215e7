// Bricks die under a writer, and have the right data when they are back.
#include <map>
#include <string>

#include "tests_d/glusterfs/component.h"

namespace gluster {
namespace {

using muster::Succeeded;

class HealingTest : public GlusterTest, public testing::WithParamInterface<VolumeType> {};

// Expects that the bricks of each set have equal contents, and, if there is one set only, the
// contents of the mount. Arbiters hold no data, and the bricks of a dispersed volume hold
// fragments, so these are not compared.
void expectBricksAgree(const Volume& volume, const Mount& mount) {
  if (!volume.layout().bricksHoldWholeFiles()) return;
  std::map<std::size_t, std::string> expected;
  if (volume.layout().bricks.back().set == 0) {
    expected[0] = treeDigest(mount.client(), mount.directory());
  }
  for (const Brick& brick : volume.layout().bricks) {
    if (brick.arbiter) continue;
    const std::string found = treeDigest(volume.serverOf(brick), brick.path);
    EXPECT_EQ(expected.try_emplace(brick.set, found).first->second, found) << brick.name();
  }
}

// A healed brick must serve, so the data is read again while a brick is down that was up before.
TEST_P(HealingTest, BrickKilledWhileWritingIsHealedAndReplacesAnother) {
  Volume volume(pool(), GetParam());
  volume.start();
  std::string large;
  std::string all;
  {
    const Mount mount(client(), volume);
    Writer writer(mount, "work");
    writer.awaitMore(10, 30s);
    volume.killBrick(volume.layout().bricks[1]);
    writer.awaitMore(10, 30s);
    large = mount.writeRandom("large", 4 * 1024);

    volume.restartBricks();
    writer.awaitMore(10, 30s);
    EXPECT_THAT(writer.stop(), Succeeded());
    EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
    EXPECT_EQ(digest(client(), mount.path("large")), large);
    expectBricksAgree(volume, mount);
    all = treeDigest(client(), mount.directory());
  }

  volume.killBrick(volume.layout().bricks[0]);
  const Mount mount(client(), volume);
  EXPECT_EQ(digest(client(), mount.path("large")), large);
  EXPECT_EQ(treeDigest(client(), mount.directory()), all);
}

INSTANTIATE_TEST_SUITE_P(Redundant, HealingTest,
                         testing::Values(VolumeType::kReplicated, VolumeType::kArbiter,
                                         VolumeType::kDispersed,
                                         VolumeType::kDistributedReplicated),
                         inTestName);

class QuorumTest : public GlusterTest {};

// One of three copies must not accept writes, because it cannot know which history is right.
TEST_F(QuorumTest, WritesFailWithoutQuorumAndResumeWithIt) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  const std::string before = mount.writeRandom("kept", 256);

  volume.killBrick(volume.layout().bricks[1]);
  EXPECT_THAT(mount.tryWrite("with two", 20s), Succeeded());
  volume.killBrick(volume.layout().bricks[2]);
  const muster::Result refused = mount.tryWrite("with one", 20s);
  EXPECT_THAT(refused, testing::AllOf(muster::ExitedWith(1), muster::StderrHas("not connected")));

  volume.restartBricks();
  const auto write = [&] { return mount.tryWrite("with all", 20s); };
  EXPECT_THAT(write, muster::Eventually(Succeeded(), 30s));
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
  EXPECT_EQ(digest(client(), mount.path("kept")), before);
  expectBricksAgree(volume, mount);
}

}  // namespace
}  // namespace gluster
