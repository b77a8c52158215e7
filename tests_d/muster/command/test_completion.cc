// Completion offers the right words in a real bash, which sources the script and calls its
// function.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"

namespace command {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

class CompletionTest : public OwnClusterTest {
 protected:
  // Returns the words that bash offers for `line`, one a line. bash itself splits the line.
  std::string offered(const std::string& line) const {
    std::string script = directory_ + "/ask.bash";
    std::ofstream(script) << "PATH=" << binDirectory() << ":$PATH\n"
                          << "eval \"$(muster completion bash)\"\n"
                          << "complete -p muster >/dev/null || exit 9\n"
                          << "COMP_LINE='" << line << "'\n"
                          << "COMP_POINT=${#COMP_LINE}\n"
                          << "COMP_WORDS=(muster)\nCOMP_CWORD=1\n"
                          << "_muster\n"
                          << "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    Ended ended = runProgram("/bin/bash", {"--norc", script});
    EXPECT_EQ(ended.status, 0) << ended.err;
    return ended.out;
  }

  static std::string binDirectory() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path();
  }
};

TEST_F(CompletionTest, CommandsAndOptionsAreOffered) {
  EXPECT_EQ(offered("muster no"), "nodes\n");
  EXPECT_EQ(offered("muster kill --gr"), "--grace\n");
  EXPECT_THAT(offered("muster "), AllOf(HasSubstr("exec\n"), HasSubstr("cp\n")));
  EXPECT_EQ(offered("muster nonsense "), "\n");
}

TEST_F(CompletionTest, NodesSetsAndRunsOfTheClusterAreOffered) {
  ASSERT_EQ(muster({"up", file("  server[1-2]: {role: server}\n")}).status, 0);
  std::string mine = "--cluster=" + cluster_;
  EXPECT_EQ(offered("muster exec " + mine + " ser"), "server1\nserver2\n");
  EXPECT_EQ(offered("muster exec " + mine + " server1,"),
            "server1,@*\nserver1,@server\nserver1,server1\nserver1,server2\n");
  EXPECT_EQ(offered("muster nodes " + mine + " @s"), "server\n");
  EXPECT_THAT(offered("muster nodes " + mine), HasSubstr(cluster_ + "\n"));
  EXPECT_THAT(offered("muster cp " + mine + " server2"), HasSubstr("server2:/\n"));
  onCluster("exec", {"server1", "--run-id", "of-the-test", "--", "true"});
  EXPECT_THAT(offered("muster kill " + mine + " --run-id "), Not(HasSubstr("of-the-test")));
}

TEST_F(CompletionTest, FilesAreClusterFilesAndDirectories) {
  std::string path = file("  server1: {role: server}\n");
  std::ofstream(directory_ + "/other.txt") << "no cluster";
  EXPECT_EQ(offered("muster up " + directory_ + "/"), path + "\n");
}

TEST_F(CompletionTest, UnknownShellIsRefusedWithAHint) {
  EXPECT_THAT(muster({"completion", "bsh"}),
              AllOf(Field(&Ended::status, 64), Field(&Ended::err, HasSubstr("mean \"bash\""))));
}

}  // namespace
}  // namespace command
