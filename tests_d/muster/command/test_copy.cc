// `muster cp` copies whole files and trees with all their attributes, or nothing.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"
#include "tests_d/muster/support/wait.h"

namespace command {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kTwo[] = "  server[1-2]: {role: server}\n";

class CopyTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file(kTwo)}), exits(0));
    here_ = directory_ + "/here";
    fs::create_directory(here_);
  }

  Ended copy(std::vector<std::string> arguments) const { return onCluster("cp", arguments); }

  // Runs a script on a node and returns its output. Its exit status must be 0.
  std::string on(const std::string& node, const std::string& script) const {
    Ended ended = onCluster("exec", {node, "--", "sh", "-c", script});
    EXPECT_EQ(ended.status, 0) << script << "\n" << ended.err;
    return ended.out;
  }

  void write(const std::string& path, const std::string& content) const {
    std::ofstream(path, std::ios::binary) << content;
  }
  static std::string read(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  }

  std::string here_;
};

TEST_F(CopyTest, FileIsCopiedToNodesAndBackUnchanged) {
  write(here_ + "/f", "content");
  ::chmod((here_ + "/f").c_str(), 0641);
  EXPECT_THAT(copy({here_ + "/f", "@server:/var/tmp"}), AllOf(exits(0), Field(&Ended::err, "")));
  EXPECT_EQ(on("server1", "cat /var/tmp/f; stat -c %a /var/tmp/f"), "content641\n");
  EXPECT_EQ(on("server2", "cat /var/tmp/f"), "content");
  EXPECT_THAT(copy({"server2:/var/tmp/f", here_ + "/back"}), exits(0));
  EXPECT_EQ(read(here_ + "/back"), "content");
  struct stat status {};
  ::stat((here_ + "/back").c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0641u);
}

TEST_F(CopyTest, CopyFromSeveralNodesMakesADirectoryForEach) {
  on("@server", "hostname > /var/tmp/name");
  EXPECT_THAT(copy({"@server:/var/tmp/name", here_}), exits(0));
  EXPECT_EQ(read(here_ + "/server1/name"), "server1\n");
  EXPECT_EQ(read(here_ + "/server2/name"), "server2\n");
  EXPECT_THAT(copy({"-T", "@server:/var/tmp/name", here_ + "/exact"}),
              AllOf(exits(1), complains("have a directory each")));
  EXPECT_FALSE(std::filesystem::exists(here_ + "/exact"));
}

// Makes a tree with modes, a link, extended attributes, a hole, an empty file, a pipe and many
// bytes.
constexpr char kMakeTree[] =
    "set -e; cd /var/tmp; mkdir -p t/deep; echo inner > t/deep/f; chmod 0750 t/deep;"
    "ln -s deep/f t/link; head -c 3000000 /dev/urandom > t/big; chown 12345:54321 t/big;"
    "truncate -s 8M t/hole; echo end >> t/hole; touch t/empty; mkfifo t/pipe;"
    "ln t/big t/deep/same; touch -d @1000000000 t/big; touch -d @-1 t/empty;"
    "setfattr -n user.color -v blue t/big t; setfacl -d -m u:4711:rwx t;"
    "chown 12345 t; touch -d @0 t/deep; touch -d @1000000000 t";

// A script that prints all that is compared of a tree: names, modes, owners, times, contents and
// attributes.
std::string describeTree(const std::string& path) {
  return "cd " + path +
         "; find . -type d -printf '%p %M %U:%G %T@\\n' | sort;"
         "find . ! -type d -printf '%p %M %U:%G %l %s %n %T@\\n' | sort; sha256sum big hole deep/f;"
         "getfattr -R -d -m - .; getfacl -R -n .;"
         "[ $(($(stat -c %b hole) * 512)) -lt 1000000 ] && echo has a hole";
}

TEST_F(CopyTest, TreeIsCopiedBetweenNodesWithAllAttributes) {
  on("server1", kMakeTree);
  std::string before = on("server1", describeTree("/var/tmp/t"));
  EXPECT_THAT(before, AllOf(HasSubstr("12345:54321"), HasSubstr("has a hole"),
                            HasSubstr("default:user:4711:rwx"), HasSubstr("user.color")));
  EXPECT_THAT(copy({"-r", "server1:/var/tmp/t", "server2:/var/tmp/other"}),
              AllOf(exits(0), Field(&Ended::err, "")));
  EXPECT_EQ(on("server2", describeTree("/var/tmp/other")), before);
}

// A node may not make devices; neither is one of a node made here unless privileges are kept.
TEST_F(CopyTest, DeviceThatMayNotBeMadeIsNamed) {
  fs::create_directory(here_ + "/d");
  ASSERT_EQ(::mknod((here_ + "/d/null").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  EXPECT_THAT(copy({"-r", here_ + "/d", "server1:/var/tmp"}),
              AllOf(exits(0), complains("left out null: a character device: ")));
  EXPECT_EQ(on("server1", "ls /var/tmp/d"), "");
  EXPECT_THAT(copy({"-r", "server1:/dev/pts", here_}),
              AllOf(exits(0), complains("left out ptmx: a device of a node")));
}

// Reading 20 GiB would take longer than the time limit.
TEST_F(CopyTest, HolesTakeNoTime) {
  on("server1",
     "cd /var/tmp; truncate -s 20G f; printf x | dd of=f bs=1 seek=10G conv=notrunc status=none");
  auto copied = [&](const std::string& source, const std::string& target) {
    return copy({source, target, "--time-limit", "5s"});
  };
  EXPECT_THAT(copied("server1:/var/tmp/f", "server2:/var/tmp/f"), exits(0));
  EXPECT_THAT(copied("server2:/var/tmp/f", here_ + "/f"), exits(0));
  EXPECT_THAT(copied(here_ + "/f", "server1:/var/tmp/back"), exits(0));
  EXPECT_EQ(on("server1",
               "cd /var/tmp; stat -c %s back; dd if=back bs=1 skip=10G count=1 status=none;"
               "[ $(stat -c %b back) -lt 1000 ] && echo sparse"),
            "21474836480\nxsparse\n");
}

// The size of these files is a page, whatever they hold, and no rename reaches them.
TEST_F(CopyTest, FilesOfTheKernelAreReadAndWrittenInPlace) {
  const std::string kOnline = "/sys/devices/system/cpu/online";
  EXPECT_THAT(copy({kOnline, "server1:/var/tmp/online"}), exits(0));
  EXPECT_EQ(on("server1", "cat /var/tmp/online"), read(kOnline));
  EXPECT_THAT(copy({"server1:" + kOnline, here_ + "/online"}), exits(0));
  EXPECT_EQ(read(here_ + "/online"), read(kOnline));
  EXPECT_THAT(copy({"server1:/proc/sys/kernel/ostype", here_ + "/ostype"}), exits(0));
  EXPECT_EQ(read(here_ + "/ostype"), "Linux\n");
  write(here_ + "/one", "1\n");
  const std::string kForward = "/proc/sys/net/ipv4/ip_forward";
  on("server1", "echo 0 > " + kForward);
  EXPECT_THAT(copy({here_ + "/one", "server1:" + kForward}), exits(1));
  EXPECT_THAT(copy({here_ + "/one", "server1:" + kForward, "--in-place"}), exits(0));
  EXPECT_EQ(on("server1", "cat " + kForward), "1\n");
}

TEST_F(CopyTest, PatternIsExpandedOnTheNode) {
  on("server1", "mkdir /var/tmp/d; cd /var/tmp/d; echo a > a.log; echo b > b.log; echo c > 'c*'");
  EXPECT_THAT(copy({"server1:/var/tmp/d/*.log", here_}), exits(0));
  EXPECT_EQ(read(here_ + "/a.log") + read(here_ + "/b.log"), "a\nb\n");
  EXPECT_THAT(copy({"server1:/var/tmp/d/c*", here_}), exits(0));
  EXPECT_EQ(read(here_ + "/c*"), "c\n");
  EXPECT_THAT(copy({"server1:/var/tmp/d/*.txt", here_}),
              AllOf(exits(1), complains("no file matches")));
}

TEST_F(CopyTest, SourcesOfOneNameAreRefusedBeforeAnythingIsTouched) {
  for (const char* name : {"/a", "/b", "/b/x"}) fs::create_directory(here_ + name);
  write(here_ + "/a/f", "1");
  write(here_ + "/b/f", "2");
  EXPECT_THAT(copy({"-r", here_ + "/b/x", here_ + "/a/f", here_ + "/b/f", "@server:/var/tmp"}),
              AllOf(exits(64), complains("would both become \"f\"")));
  EXPECT_EQ(on("server1", "ls /var/tmp/f /var/tmp/x 2>/dev/null || true"), "");
}

TEST_F(CopyTest, TreeIsCopiedHereAndBackWithAllAttributes) {
  on("server1", kMakeTree);
  std::string before = on("server1", describeTree("/var/tmp/t"));
  EXPECT_THAT(copy({"-r", "server1:/var/tmp/t", here_}), exits(0));
  EXPECT_THAT(copy({"-r", here_ + "/t", "server2:/var/tmp"}), exits(0));
  EXPECT_EQ(on("server2", describeTree("/var/tmp/t")), before);
}

// A compromised node must not be able to bring a setuid program to this machine.
TEST_F(CopyTest, SetuidBitsAreNotCopiedUnlessRequested) {
  on("server1",
     "cd /var/tmp; mkdir -p s; echo x > s/run; echo x > s/group; chmod 4755 s/run; "
     "chmod 2755 s/group; chmod 3755 s");
  auto modes = [&](const std::string& place) {
    std::ostringstream text;
    for (const char* name : {"", "/run", "/group"}) {
      struct stat status {};
      EXPECT_EQ(::stat((here_ + place + name).c_str(), &status), 0) << place << name;
      text << std::oct << (status.st_mode & 07777) << " ";
    }
    return text.str();
  };
  EXPECT_THAT(copy({"-r", "server1:/var/tmp/s", here_}), exits(0));
  EXPECT_EQ(modes("/s"), "1755 755 755 ");
  EXPECT_THAT(copy({"-r", "server1:/var/tmp/s", here_ + "/kept", "--keep-setuid"}), exits(0));
  EXPECT_EQ(modes("/kept"), "3755 4755 2755 ");
  EXPECT_THAT(copy({"server1:/var/tmp/s/run", here_ + "/one"}), exits(0));
  struct stat status {};
  ::stat((here_ + "/one").c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0755u);
}

TEST_F(CopyTest, JsonDescribesTheCopiedFiles) {
  write(here_ + "/f", "content");
  EXPECT_THAT(copy({here_ + "/f", "server1:/var/tmp", "--json"}),
              AllOf(exits(0), prints("\"target\": \"server1:/var/tmp/f\""), prints("\"bytes\": 7"),
                    prints("ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73")));
}

// A copy that is killed in the middle must leave neither half a file nor a temporary one.
TEST_F(CopyTest, InterruptedCopyKeepsTheOldFileAndLeavesNoOther) {
  on("server1", "head -c 200000000 /dev/zero > /var/tmp/big");
  write(here_ + "/big", "old");
  pid_t copying =
      startProgram("muster", {"cp", "--cluster", cluster_, "server1:/var/tmp/big", here_ + "/big"});
  muster_tests::letPass(std::chrono::milliseconds(150));
  ::kill(copying, SIGKILL);
  ::waitpid(copying, nullptr, 0);
  std::string big = read(here_ + "/big");
  EXPECT_TRUE(big == "old" || big.size() == 200000000) << big.size();
  for (const auto& entry : fs::directory_iterator(here_)) {
    EXPECT_EQ(entry.path().filename(), "big");
  }
}

TEST_F(CopyTest, CopyToAFrozenNodeEndsWithinItsTimeout) {
  write(here_ + "/f", "content");
  FrozenNode frozen(cluster_, "server2");
  EXPECT_THAT(copy({here_ + "/f", "@server:/var/tmp", "--connect-timeout", "300ms"}),
              AllOf(exits(69), complains("server2:/var/tmp: node server2")));
}

TEST_F(CopyTest, WhatIsBelowADirectoryGoesIntoOneThatExists) {
  fs::create_directory(here_ + "/there");
  write(here_ + "/there/f", "content");
  fs::create_directories(here_ + "/back");
  ASSERT_THAT(onCluster("exec", {"server1", "--", "mkdir", "-p", "/var/below"}), exits(0));
  EXPECT_THAT(copy({"-r", here_ + "/there/.", "server1:/var/below"}), exits(0));
  EXPECT_THAT(copy({"-r", "server1:/var/below/.", here_ + "/back/"}), exits(0));
  EXPECT_EQ(read(here_ + "/back/f"), "content");
}

TEST_F(CopyTest, ImpossibleCopyIsRefusedWithAHint) {
  write(here_ + "/f", "content");
  fs::create_directory(here_ + "/d");
  struct Wrong {
    std::vector<std::string> arguments;
    int status;
    const char* text;
  };
  const Wrong kWrong[] = {
      {{here_ + "/f"}, 64, "an argument is missing"},
      {{here_ + "/f", here_ + "/g"}, 64, "none of these is on a node"},
      {{here_ + "/f", "server1:var"}, 64, "the path on a node must be absolute"},
      {{here_ + "/none", "server1:/var"}, 66, "none: cannot be read: No such file"},
      {{here_ + "/d", "server1:/var"}, 1, "is a directory; copy it with -r"},
      {{"server1:/none", here_}, 1, "no such file or directory"},
      {{here_ + "/f", "server1:/none/f"}, 1, "no such file or directory: server1:/none/"},
      {{"-r", here_ + "/d", "server1:/none/d"}, 1, "-p makes directories that are missing"},
      {{here_ + "/f", "server1:/none/"}, 1, "server1:/none/ is not a directory"},
      {{here_ + "/f", "/etc/hosts", "server1:/none"}, 1, "server1:/none is not a directory"},
      {{"@server:/etc/hosts", "server1:/tmp"}, 64, "is several nodes"},
      {{"-n", here_ + "/f", "server1:/etc/hosts"}, 1, "exists"},
      {{"-r", "server1:/etc", "server1:/etc/../etc/a"}, 1, "cannot be copied into itself"},
      {{"-r", "server1:/etc/.", "server1:/etc"}, 1, "cannot be copied into itself"},
      {{here_ + "/f", "sever1:/tmp"}, 65, "did you mean \"server1\"?"},
  };
  for (const Wrong& wrong : kWrong) {
    EXPECT_THAT(copy(wrong.arguments), AllOf(exits(wrong.status), complains(wrong.text)));
  }
}

}  // namespace
}  // namespace command
