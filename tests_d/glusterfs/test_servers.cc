// Servers fail as a whole, or lose their management daemon, while a client writes.
#include "tests_d/glusterfs/component.h"

namespace gluster {
namespace {

using muster::Succeeded;

// A frozen server may delay a write until the client notices, and a busy machine adds some time.
constexpr auto kStallMax = kPingTimeout + std::chrono::seconds(10);

class ServerTest : public GlusterTest {
 protected:
  static void expectCopiesAgree(const Volume& volume, const Mount& mount) {
    const std::string expected = treeDigest(mount.client(), mount.directory());
    for (const Brick& brick : volume.layout().bricks) {
      EXPECT_EQ(treeDigest(volume.serverOf(brick), brick.path), expected) << brick.name();
    }
  }
};

// glusterd only manages, and the data goes from client to brick without it. The victim is the
// server that gave the client the volume's description.
TEST_F(ServerTest, WritesGoOnWhileTheManagementDaemonIsAway) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  Writer writer(mount, "work");
  writer.awaitMore(10, 30s);

  const muster::Node& victim = pool().first();
  pool().killDaemon(victim);
  writer.awaitMore(20, 30s);
  pool().startDaemon(victim);
  writer.awaitMore(20, 30s);

  EXPECT_THAT(writer.stop(), Succeeded());
  EXPECT_THAT([] { return pool().trouble(); }, Clears(60s));
  EXPECT_THAT([&] { return volume.trouble(); }, Clears(30s));
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
  expectCopiesAgree(volume, mount);
}

// A server that missed a change must not serve the volume by old rules.
TEST_F(ServerTest, DaemonThatWasAwayLearnsOfVolumeChanges) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const muster::Node& victim = pool().servers()[2];
  const muster::AllowLog silent(kSilentServer);
  pool().killDaemon(victim);
  volume.set("diagnostics.client-log-level", "WARNING");
  pool().startDaemon(victim);

  const auto optionThere = [&] {
    const auto infos = parseVolumeInfo(run(victim, {"volume", "info", volume.name()}));
    return infos.at(0).option("diagnostics.client-log-level").value_or("not set");
  };
  EXPECT_THAT(optionThere,
              muster::Eventually(testing::Matcher<const std::string&>("WARNING"), 30s));
  EXPECT_THAT([&] { return volume.trouble(); }, Clears(30s));
}

// A frozen server keeps its connections open, so the client waits for it until the ping timeout,
// and then goes on with the other copies.
TEST_F(ServerTest, FrozenServerDelaysAWriteByThePingTimeoutAtMost) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  const std::string before = mount.writeRandom("before", 512);
  Writer writer(mount, "work");
  writer.awaitMore(10, 30s);
  const muster::AllowLog silent(kSilentServer);
  {
    auto frozen = cluster().freeze(pool().servers()[2]);
    EXPECT_THAT(mount.tryWrite("meanwhile", kStallMax), Succeeded());
    writer.awaitMore(20, kStallMax);
    frozen.thaw();
  }
  EXPECT_THAT(writer.stop(), Succeeded());
  pool().servers()[2].awaitConnected(30s);
  EXPECT_THAT([] { return pool().trouble(); }, Clears(60s));
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
  EXPECT_EQ(digest(client(), mount.path("before")), before);
  expectCopiesAgree(volume, mount);
}

// A power cut ends the daemon, the brick and the connections without notice, but the disk stays.
TEST_F(ServerTest, BrickIsHealedAfterAPowerCutOfItsServer) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  const std::string before = mount.writeRandom("before", 512);
  const muster::Node& victim = pool().servers()[1];

  const muster::AllowLog silent(kSilentServer);
  cluster().powerOff(victim);
  EXPECT_THAT(mount.tryWrite("meanwhile", kStallMax), Succeeded());
  cluster().powerOn(victim);
  pool().startDaemon(victim);

  EXPECT_THAT([] { return pool().trouble(); }, Clears(60s));
  EXPECT_THAT([&] { return volume.trouble(); }, Clears(30s));
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
  EXPECT_EQ(digest(client(), mount.path("before")), before);
  expectCopiesAgree(volume, mount);
}

}  // namespace
}  // namespace gluster
