// `muster cp -r` of trees made by chance keeps all that rsync would keep, in both directions.
#include <filesystem>

#include <muster/muster.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/command/random_tree.h"

namespace command {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::Field;

class CopyTreesTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server1: {role: server}\n")}), exits(0));
    // What the node writes is in the upper directory of its overlay.
    nodeRoot_ = "/var/lib/muster/" + cluster_ + "/disks/server1/upper";
    ASSERT_TRUE(fs::exists(nodeRoot_)) << nodeRoot_;
  }

  Ended copy(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "-r");
    return onCluster("cp", arguments);
  }

  // Returns what rsync would change to make `copy` like `tree`: nothing, if it is.
  static std::string difference(const std::string& tree, const std::string& copy) {
    Ended ended =
        runProgram("/usr/bin/rsync", {"-aHAXS", "--numeric-ids", "--dry-run", "--itemize-changes",
                                      "--delete", "--checksum", "--modify-window=-1",
                                      "--filter=-x trusted.overlay.*", tree + "/", copy + "/"});
    EXPECT_THAT(ended, exits(0));
    return ended.out;
  }

  // A copy may have more holes. Of those that a file has, two blocks may be lost where it takes as
  // many for its attributes and its map of blocks, since it looks like one without holes then.
  static void expectSameHoles(const std::string& tree, const std::string& copy) {
    auto copied = dataBytes(copy);
    for (const auto& [path, bytes] : dataBytes(tree)) EXPECT_LE(copied[path], bytes + 8192) << path;
  }

  std::string nodeRoot_;
};

TEST_F(CopyTreesTest, TreeIsTheSameThereAndBack) {
  std::mt19937_64 random(muster::seed());
  const std::string kThere = nodeRoot_ + "/var/tmp/tree";
  for (int i = 0; i < 2; ++i) {
    SCOPED_TRACE("tree " + std::to_string(i));
    std::string here = directory_ + "/" + std::to_string(i);
    fs::create_directory(here);
    makeRandomTree(here + "/tree", 60, random);
    EXPECT_THAT(copy({here + "/tree", "server1:/var/tmp"}),
                AllOf(exits(0), Field(&Ended::err, "")));
    EXPECT_EQ(difference(here + "/tree", kThere), "");
    expectSameHoles(here + "/tree", kThere);

    fs::create_directory(here + "/back");
    EXPECT_THAT(copy({"server1:/var/tmp/tree", here + "/back", "--keep-setuid"}),
                AllOf(exits(0), Field(&Ended::err, "")));
    EXPECT_EQ(difference(here + "/tree", here + "/back/tree"), "");
    expectSameHoles(here + "/tree", here + "/back/tree");

    // A second copy meets directories with other metadata.
    for (const std::string& top : {kThere, here + "/back/tree"}) {
      EXPECT_THAT(runProgram("/usr/bin/find", {top, "-type", "d", "-exec", "chmod", "0700", "{}",
                                               "+", "-exec", "setfattr", "-n", "user.old", "{}",
                                               "+", "-exec", "touch", "{}", "+"}),
                  exits(0));
    }
    EXPECT_THAT(copy({here + "/tree", "server1:/var/tmp"}), exits(0));
    EXPECT_EQ(difference(here + "/tree", kThere), "");
    EXPECT_THAT(copy({"server1:/var/tmp/tree", here + "/back", "--keep-setuid"}), exits(0));
    EXPECT_EQ(difference(here + "/tree", here + "/back/tree"), "");
    EXPECT_THAT(onCluster("exec", {"server1", "--", "rm", "-rf", "/var/tmp/tree"}), exits(0));
  }
}

}  // namespace
}  // namespace command
