// `muster shell` before a person: the terminal's size, its changes, and ^C.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests_d/muster/command/command.h"

namespace command {
namespace {

using ::testing::AllOf;

class ShellTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    if (!std::filesystem::exists("/usr/bin/script")) GTEST_SKIP() << "needs script(1)";
    ASSERT_THAT(muster({"up", file("  server1: {role: server}\n")}), exits(0));
  }

  // Runs `before` and then `muster shell` on a terminal of 33 rows and 77 columns. `keys` is a
  // script that types, and may wait by `seen TEXT` until the terminal has shown it.
  Ended onTerminal(const std::string& before, const std::string& keys) const {
    std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "muster";
    std::string seen = directory_ + "/seen";
    std::string inside = "stty rows 33 cols 77; " + before + "exec " + program +
                         " shell --cluster " + cluster_ + " server1";
    return runProgram("/bin/bash",
                      {"-c", ": > " + seen + "\nseen() { timeout 20 sh -c \"until grep -q '$1' " +
                                 seen + "; do sleep 0.05; done\"; }\n{ " + keys +
                                 "\nseen over; } | script -qefc '" + inside + "' " + seen});
  }
};

// What is typed is shown too, so the words that are waited for are typed in two parts. The record
// of the terminal begins with the command line, which the pattern does not match.
TEST_F(ShellTest, TerminalHasTheSizeOfOursAndFollowsIt) {
  Ended ended = onTerminal(
      "at=$(tty); (timeout 20 sh -c \"until grep -q firs[t].33 " + directory_ +
          "/seen; do sleep 0.05; done\"; stty rows 44 cols 88 < $at) & ",
      "echo 'echo first $(stty size); until stty size | grep -q 44; do sleep 0.05; done; "
      "echo then $(stty size); echo ov\"\"er; exit 7'");
  EXPECT_THAT(ended, AllOf(exits(7), prints("first 33 77"), prints("then 44 88")));
}

TEST_F(ShellTest, InterruptEndsTheCommandAndNotTheShell) {
  Ended ended = onTerminal("",
                           "echo 'echo beg\"\"un; sleep 1000'; seen begun; printf '\\003'; "
                           "echo 'echo af\"\"ter; echo ov\"\"er; exit 7'");
  EXPECT_THAT(ended, AllOf(exits(7), prints("begun"), prints("after")));
}

}  // namespace
}  // namespace command
