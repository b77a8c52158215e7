// `muster cp --archive` collects files of several nodes in one tar file.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ArchiveTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server[1-3]: {role: server}\n")}), exits(0));
    place_ = directory_ + "/here";
    std::filesystem::create_directory(place_);
    on("@server",
       "mkdir -p /srv/d/deep; hostname > /srv/d/name; head -c 2000000 /dev/urandom > /srv/d/big;"
       "printf x > /srv/d/deep/gr\xc3\xbcn; chown 4711 /srv/d/name; chmod 4755 /srv/d/big;"
       "touch -d @1000000000 /srv/d/deep");
  }

  Ended copy(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "--archive");
    return onCluster("cp", arguments);
  }
  std::string on(const std::string& nodes, const std::string& script) const {
    Ended ended = onCluster("exec", {nodes, "--", "sh", "-c", script});
    EXPECT_EQ(ended.status, 0) << ended.err;
    return ended.out;
  }
  // Runs a script here, beside the archive.
  std::string here(const std::string& script) const {
    return runProgram("/bin/sh", {"-c", "cd '" + place_ + "'; " + script}).out;
  }
  std::string archive() const { return place_ + "/out.tar"; }

  std::string place_;
};

TEST_F(ArchiveTest, HasADirectoryForEachNode) {
  EXPECT_THAT(copy({"-r", "@server:/srv/d", archive()}), exits(0));
  here("mkdir x; tar -xpf out.tar -C x --same-owner");
  EXPECT_EQ(here("ls x; cat x/*/d/name"), "server1\nserver2\nserver3\nserver1\nserver2\nserver3\n");
  const std::string digests = "cd /srv/d; sha256sum big deep/*";
  EXPECT_EQ(here("cd x/server2/d; sha256sum big deep/*"), on("server2", digests));
  EXPECT_EQ(here("stat -c '%a %u' x/server1/d/big x/server1/d/name"), "755 0\n644 4711\n");
  EXPECT_EQ(here("stat -c %Y x/server3/d/deep"), "1000000000\n");
  EXPECT_EQ(here("ls -A | grep part"), "");
}

TEST_F(ArchiveTest, TakesSeveralSourcesAndPatterns) {
  EXPECT_THAT(copy({"-r", "server1:/srv/d/*g", "server2:/srv/d/deep", "server2:/etc/hostname",
                    archive() + ".gz"}),
              exits(0));
  EXPECT_EQ(here("tar -tzf out.tar.gz | sort | head -2"), "server1/big\nserver2/deep/\n");
}

TEST_F(ArchiveTest, NodeThatFailsIsNamedInIt) {
  on("server2", "rm -r /srv/d");
  Ended ended = copy({"-r", "@server:/srv/d", archive()});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("server2:/srv/d to"), HasSubstr("no such file")));
  EXPECT_EQ(here("tar -xf out.tar; ls; cat server1/d/name"),
            "out.tar\nserver1\nserver2.error\nserver3\nserver1\n");
  EXPECT_THAT(here("cat server2.error"), HasSubstr("/srv/d: no such file or directory"));
}

TEST_F(ArchiveTest, NodeThatIsNotReachedIsNamedInIt) {
  FrozenNode frozen(cluster_, "server3");
  Ended ended = copy({"-r", "--connect-timeout", "1s", "@server:/srv/d", archive()});
  EXPECT_EQ(ended.status, 69) << ended.err;
  EXPECT_EQ(here("tar -xf out.tar; ls; ls server1/d"),
            "out.tar\nserver1\nserver2\nserver3.error\nbig\ndeep\nname\n");
}

TEST_F(ArchiveTest, IsNotMadeOfNothing) {
  here("echo old > out.tar");
  EXPECT_THAT(copy({"-r", "@server:/srv/none", archive()}), exits(1));
  EXPECT_EQ(here("ls; cat out.tar"), "out.tar\nold\n");
  EXPECT_THAT(copy({"-r", "-n", "@server:/srv/d", archive()}), exits(1));
  EXPECT_EQ(here("ls; cat out.tar"), "out.tar\nold\n");
  EXPECT_THAT(copy({"-r", "-p", "@server:/srv/d", archive()}), exits(64));
  EXPECT_THAT(copy({"-r", "@server:/srv/d", "server1:/out.tar"}), exits(64));
  EXPECT_THAT(copy({"-r", archive(), "server1:/srv/d", archive()}), exits(64));
}

}  // namespace
}  // namespace command
