// A client that is cut off from some of its servers: quorum, healing and split brain.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "component.h"

namespace gluster {
namespace {

using muster::Fault;
using muster::NodeSet;
using muster::Succeeded;
using testing::HasSubstr;

// The client tries to connect again every 3 s.
constexpr auto kReconnectMax = 30s;

class PartitionTest : public GlusterTest {
 protected:
  // Cuts the client off from all servers but those of `kept`. The servers reach each other.
  static Fault keepOnly(const std::vector<std::string>& kept) {
    std::vector<muster::Node*> away;
    for (muster::Node& server : pool().servers()) {
      if (std::find(kept.begin(), kept.end(), server.name()) == kept.end()) away.push_back(&server);
    }
    return cluster().partition({NodeSet({&client()}), NodeSet(away)});
  }

  // Writes a file, or to one that is there, and waits until the disks have it.
  static muster::Result write(const Mount& mount, const std::string& name,
                              const std::string& text) {
    return mount.client().run({"dd", "of=" + mount.path(name), "conv=notrunc,fsync", "status=none"},
                              {.input = text, .deadline = 30s});
  }
};

TEST_F(PartitionTest, ClientWritesWithTwoServersAndNotWithOne) {
  Volume volume(pool(), VolumeType::kReplicated);
  volume.start();
  const Mount mount(client(), volume);
  const auto& bricks = volume.layout().bricks;
  EXPECT_THAT(mount.tryWrite("with three", 20s), Succeeded());
  const muster::AllowLog silent(kSilentServer);
  {
    Fault cut = keepOnly({bricks[0].server, bricks[1].server});
    EXPECT_THAT(mount.tryWrite("with two", 30s), Succeeded());
    cut.heal();
    cut = keepOnly({bricks[0].server});
    EXPECT_THAT(mount.tryWrite("with one", 30s),
                testing::AllOf(muster::ExitedWith(1), muster::StderrHas("not connected")));
  }
  EXPECT_THAT([&] { return mount.tryWrite("with all", 20s); },
              muster::Eventually(Succeeded(), kReconnectMax));
  EXPECT_THAT([&] { return volume.healTrouble(); }, Clears(60s));
}

// Both sides of a partition write, so that each copy accuses the others. Each policy then says
// which one is right: the one of a brick, the later one, or the bigger one.
class SplitBrainTest : public PartitionTest {
 protected:
  static inline const std::vector<std::string> kNames = {"by-brick", "by-time", "by-size"};

  // Makes a volume that quorum and healing do not protect.
  static void unprotect(Volume& volume) {
    volume.set("cluster.quorum-type", "none");
    // Otherwise the times that are compared are those of the first write.
    volume.set("features.ctime", "off");
    volume.set("cluster.self-heal-daemon", "off");
    for (const char* kind : {"data", "metadata", "entry"}) {
      volume.set(std::string("cluster.") + kind + "-self-heal", "off");
    }
  }

  static void writeAll(const Mount& mount, const std::string& text) {
    for (const std::string& name : kNames) {
      ASSERT_THAT(write(mount, name, text), Succeeded());
    }
  }

  static muster::Result read(const Mount& mount, const std::string& name) {
    return mount.client().run({"cat", mount.path(name)}, {.deadline = 20s});
  }

  static muster::Result splitBrainsOf(const Volume& volume) {
    return pool().first().run({"gluster", "volume", "heal", volume.name(), "info", "split-brain"},
                              {.deadline = kCommandMax});
  }

  static void resolve(const Volume& volume, std::vector<std::string> policy,
                      const std::string& name) {
    std::vector<std::string> argv = {"gluster", "volume", "heal", volume.name(), "split-brain"};
    argv.insert(argv.end(), policy.begin(), policy.end());
    argv.push_back("/" + name);
    EXPECT_THAT(pool().first().run(argv, {.deadline = kCommandMax}), Succeeded());
  }
};

TEST_F(SplitBrainTest, EachPolicyChoosesItsCopy) {
  Volume volume(pool(), VolumeType::kReplicated);
  unprotect(volume);
  volume.start();
  const auto& bricks = volume.layout().bricks;
  muster::Node& second = volume.serverOf(bricks[1]);
  const Mount mount(client(), volume);
  const Mount other(second, volume);
  writeAll(mount, "0");
  const muster::AllowLog silent(kSilentServer);
  {
    Fault cut = cluster().isolate(second);
    writeAll(mount, "first");
    // GlusterFS compares whole seconds.
    ASSERT_THAT(second.run({"sleep", "1.1"}), Succeeded());
    writeAll(other, "second, and longer");
  }
  // The clients may have what they wrote in memory, but the bricks know.
  EXPECT_THAT([&] { return splitBrainsOf(volume); },
              muster::Eventually(muster::StdoutHas("entries in split-brain: 3"), kReconnectMax));
  resolve(volume, {"source-brick", bricks[0].name()}, "by-brick");
  resolve(volume, {"latest-mtime"}, "by-time");
  resolve(volume, {"bigger-file"}, "by-size");
  for (const auto& [name, text] : {std::pair("by-brick", "first"),
                                   {"by-time", "second, and longer"},
                                   {"by-size", "second, and longer"}}) {
    EXPECT_THAT([&] { return read(mount, name); },
                muster::Eventually(muster::StdoutIs(text), kReconnectMax));
  }
}

}  // namespace
}  // namespace gluster
