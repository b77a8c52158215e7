// A volume of each type serves files, from `volume create` to `volume delete`.
#include <ostream>

#include "tests_d/glusterfs/component.h"

namespace gluster {
namespace {

using muster::Succeeded;
using testing::IsEmpty;
using testing::SizeIs;

// A few operations on a mount end within this time. Less than 1 s was measured.
constexpr auto kFileWorkMax = 30s;

class VolumeTypeTest : public GlusterTest, public testing::WithParamInterface<VolumeType> {};

// Makes links, modes and attributes through one mount, and expects to see them through another.
void expectMetadataIsShared(const Mount& mount, const Mount& another) {
  const std::string before = mount.writeRandom("a name with spaces", 64);
  const std::string work =
      "set -e; mkdir -p d/e; mv 'a name with spaces' d/e/moved; ln d/e/moved hard; "
      "ln -s d/e/moved soft; chmod 4711 hard; truncate -s 1M sparse; "
      "setfattr -n user.colour -v blue hard; mkfifo pipe; : > empty; rm sparse";
  EXPECT_THAT(
      mount.client().shell(work, {.directory = mount.directory(), .deadline = kFileWorkMax}),
      Succeeded());
  EXPECT_EQ(digest(another.client(), another.path("soft")), before);
  const muster::Result seen = another.client().shell(
      "stat -c '%a %h %F' hard d/e/moved pipe empty; readlink soft; "
      "getfattr --only-values -n user.colour d/e/moved",
      {.directory = another.directory(), .deadline = kFileWorkMax});
  EXPECT_THAT(seen, muster::StdoutIs("4711 2 regular file\n4711 2 regular file\n644 1 fifo\n"
                                     "644 1 regular empty file\nd/e/moved\nblue"));
}

// Expects that a lock held through one mount keeps the other out until it is released. No attempt
// blocks, because an interrupted lock request may never return, and nothing can kill its process
// then.
void expectLocksAreShared(const Mount& mount, const Mount& another) {
  const std::string hold = "echo held; read -r line; true";
  muster::Process holder = mount.client().start(
      {"flock", mount.path("small"), "/bin/sh", "-c", hold}, {.deadline = kFileWorkMax * 2});
  ASSERT_EQ(holder.readLine(kFileWorkMax), "held");
  const auto lock = [&another] {
    return another.client().run({"flock", "-n", another.path("small"), "true"},
                                {.deadline = kFileWorkMax});
  };
  EXPECT_THAT(lock(), muster::ExitedWith(1));
  holder.closeInput();
  EXPECT_THAT(holder.wait(kFileWorkMax), Succeeded());
  EXPECT_THAT(lock, muster::Eventually(Succeeded(), kFileWorkMax));
}

TEST_P(VolumeTypeTest, ServesFilesFromCreateToDelete) {
  Volume volume(pool(), GetParam());
  EXPECT_EQ(volume.info().status, "Created");
  EXPECT_EQ(volume.info().type, typeInInfo(GetParam()));
  EXPECT_THAT(volume.info().bricks, SizeIs(volume.layout().bricks.size()));

  volume.start();
  EXPECT_EQ(volume.info().status, "Started");
  {
    const Mount mount(client(), volume);
    const std::string small = mount.writeRandom("small", 3);
    const std::string large = mount.writeRandom("large", 8 * 1024);
    EXPECT_EQ(digest(client(), mount.path("small")), small);

    const Mount another(client(), volume);
    EXPECT_EQ(digest(client(), another.path("large")), large);
    expectMetadataIsShared(mount, another);
    expectLocksAreShared(mount, another);
    EXPECT_EQ(treeDigest(client(), another.directory()), treeDigest(client(), mount.directory()));
  }

  volume.stop();
  EXPECT_EQ(volume.info().status, "Stopped");
  volume.remove();
  EXPECT_THAT(parseVolumeNames(run(pool().first(), {"volume", "list"})), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, VolumeTypeTest, testing::ValuesIn(allVolumeTypes()), inTestName);

class VolumeTest : public GlusterTest {};

std::string refusalOf(const std::vector<std::string>& arguments) {
  try {
    parseDone(run(GlusterTest::pool().first(), arguments));
  } catch (const CliError& error) {
    EXPECT_EQ(error.kind(), CliError::Kind::kRefused) << error.what();
    return error.text();
  }
  return "not refused";
}

// A refused command must say why, and must not be done by half.
TEST_F(VolumeTest, RefusedCommandsLeaveTheVolumeAsItWas) {
  Volume volume(pool(), VolumeType::kDistributed);
  VolumeLayout twin = layOut(volume.name(), VolumeType::kReplicated, pool().servers().names());
  for (Brick& brick : twin.bricks) brick.path += "-twin";
  EXPECT_THAT(refusalOf(twin.createArguments()), testing::HasSubstr("already exists"));
  EXPECT_EQ(volume.info().type, "Distribute");

  EXPECT_THAT(refusalOf({"volume", "set", volume.name(), "network.pong-timeout", "5"}),
              testing::HasSubstr("option : network.pong-timeout does not exist"));
  EXPECT_EQ(volume.info().option("network.pong-timeout"), std::nullopt);
  EXPECT_THAT(refusalOf({"volume", "stop", volume.name()}),
              testing::HasSubstr("not in the started state"));
  EXPECT_THROW(Mount(client(), volume), std::runtime_error);
  EXPECT_EQ(volume.info().status, "Created");

  volume.start();
  EXPECT_THAT(refusalOf({"volume", "delete", volume.name()}),
              testing::HasSubstr("needs to be stopped before deletion"));
  EXPECT_EQ(volume.trouble(), "");
}

// The end of a mount's scope must unmount it even if the process that serves it is dead.
TEST_F(VolumeTest, MountOfADeadClientProcessIsUnmounted) {
  Volume volume(pool(), VolumeType::kDistributed);
  volume.start();
  std::string directory;
  {
    const Mount mount(client(), volume);
    directory = mount.directory();
    EXPECT_THAT(client().run({"kill", "-KILL", std::to_string(mount.pid())}), Succeeded());
    EXPECT_THAT(client(), muster::Eventually(muster::Runs({"ls", mount.directory()},
                                                          muster::StderrHas("Transport endpoint")),
                                             10s));
  }
  EXPECT_FALSE(client().file(directory).exists());
}

// Files move to the new brick, and a client that uses them all the time sees no change.
TEST_F(VolumeTest, RebalanceAfterAddBrickMovesFilesAndKeepsTheirContent) {
  Volume volume(pool(), VolumeType::kDistributed);
  volume.start();
  const Mount mount(client(), volume);
  for (int i = 0; i < 16; ++i) mount.writeRandom("file" + std::to_string(i), 16);
  const std::string before = treeDigest(client(), mount.directory());

  const Brick added = volume.addBrick();
  const std::vector<std::string> rebalance = {"volume", "rebalance", volume.name()};
  const auto with = [&rebalance](std::initializer_list<std::string> words) {
    std::vector<std::string> arguments = rebalance;
    arguments.insert(arguments.end(), words);
    return run(pool().first(), arguments);
  };
  parseDone(with({"start", "force"}));
  // gluster refuses this while the process that moves a server's files is about to end.
  const auto notMoved = [&with] {
    return troubleOf([&with]() -> std::string {
      const RebalanceStatus status = parseRebalanceStatus(with({"status"}));
      const bool isMoved = status.status == "completed" && status.failures == 0 && status.files > 0;
      return isMoved ? "" : testing::PrintToString(status);
    });
  };
  EXPECT_THAT(notMoved, Clears(60s));
  EXPECT_THAT(volume.serverOf(added).shell("find " + added.path + " -name 'file*' -size +0"),
              muster::StdoutHas("/file"));
  EXPECT_EQ(treeDigest(client(), mount.directory()), before);
}

}  // namespace
}  // namespace gluster
