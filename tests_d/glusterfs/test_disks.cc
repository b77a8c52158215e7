// The disk of one brick is full, slow or failing, or its server is far away, and its data is right
// when that is over.
#include <string>

#include "component.h"

namespace gluster {
namespace {

using muster::Fault;
using muster::Succeeded;

class DiskTest : public GlusterTest {
 protected:
  // The second server of three, so that the client's first brick is another.
  static const Brick& victim(const Volume& volume) { return volume.layout().bricks[1]; }

  static muster::NodeFaults faultsOn(const Volume& volume) {
    return cluster().faultsOn(volume.serverOf(victim(volume)));
  }

  static void expectEqualBricks(const Volume& volume, const Mount& mount) {
    const std::string expected = treeDigest(mount.client(), mount.directory());
    for (const Brick& brick : volume.layout().bricks) {
      EXPECT_EQ(treeDigest(volume.serverOf(brick), brick.path), expected) << brick.name();
    }
  }
};

TEST_F(DiskTest, FullBrickIsHealedWhenItHasSpaceAgain) {
  const muster::Change disk = muster::change(
      pool().servers()[1], muster::TmpfsMount{.directory = kBrickRoot, .bytes = 64 << 20});
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  mount.writeRandom("before", 256);
  std::string during;
  {
    const Fault full = faultsOn(volume).fillDisk(kBrickRoot);
    during = mount.writeRandom("during", 1024);
    EXPECT_NE(treeDigest(volume.serverOf(victim(volume)), victim(volume).path),
              treeDigest(mount.client(), mount.directory()));
  }
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
  EXPECT_EQ(digest(client(), mount.path("during")), during);
  expectEqualBricks(volume, mount);
}

// The brick opens its directories when it starts, so it starts after the fault has begun.
TEST_F(DiskTest, SlowBrickIsHealedWhileAWriterGoesOn) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  Writer writer(mount, "work");
  volume.killBrick(victim(volume));
  writer.awaitMore(5, 30s);
  Fault slow = faultsOn(volume).disturbDisk(victim(volume).path, {.delay = 3ms});
  volume.restartBricks();
  writer.awaitMore(3, 60s);
  EXPECT_THAT(writer.stop(), Succeeded());
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(120s));
  EXPECT_GT(slow.packetsDropped(), 0u);
  volume.killBrick(victim(volume));
  slow.heal();
  volume.restartBricks();
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
  expectEqualBricks(volume, mount);
}

TEST_F(DiskTest, WritesThatFailOnOneBrickAreHealed) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  volume.killBrick(victim(volume));
  Fault failing =
      faultsOn(volume).disturbDisk(victim(volume).path, {.failFrom = 3, .failCount = 20});
  volume.restartBricks();
  // The client needs some seconds to find the brick.
  const auto failed = [&] {
    EXPECT_THAT(mount.tryWrite("retried", 20s), Succeeded());
    return failing.packetsDropped();
  };
  EXPECT_THAT(failed, muster::Eventually(testing::Gt(0u), 30s));
  const std::string large = mount.writeRandom("large", 4 * 1024);
  EXPECT_EQ(digest(client(), mount.path("large")), large);
  volume.killBrick(victim(volume));
  failing.heal();
  volume.restartBricks();
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
  EXPECT_EQ(digest(client(), mount.path("large")), large);
  expectEqualBricks(volume, mount);
}

class LateNetworkTest : public DiskTest {
 public:
  static muster::Needs needs() {
    muster::Needs needs = GlusterTest::needs();
    needs.abilities = {muster::NodeAbility::kDelays};
    return needs;
  }
};

// All that the server of the brick sends is late, as over a long line.
TEST_F(LateNetworkTest, BrickIsHealedOverALateNetwork) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  volume.killBrick(victim(volume));
  const std::string during = mount.writeRandom("during", 2 * 1024);
  Fault late = cluster().degrade(volume.serverOf(victim(volume)), {.delay = 20ms, .jitter = 5ms});
  volume.restartBricks();
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(120s));
  late.heal();
  EXPECT_EQ(digest(client(), mount.path("during")), during);
  expectEqualBricks(volume, mount);
}

}  // namespace
}  // namespace gluster
