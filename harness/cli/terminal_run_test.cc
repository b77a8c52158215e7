// `muster run` before a person: the key that tells what runs, and the mode of the terminal, by the
// built program on a terminal of its own.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/os/process.h"

namespace harness {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::seconds kWait{30};

// A component of one test, which runs until the file "go" is there.
constexpr char kProgram[] = R"(#!/bin/sh
here=${0%/*}
for argument in "$@"; do
  case $argument in
    --gtest_output=json:*)
      echo '{"testsuites":[{"name":"A","testsuite":[{"name":"one","file":"a.cc","line":1}]}]}' \
        >"${argument#--gtest_output=json:}" ;;
  esac
done
case "$*" in *--gtest_list_tests*) exit 0 ;; esac
n=0
say() { echo "{\"n\":$n,\"at\":$n,$1}" >>"$MUSTER_RECORD"; n=$((n + 1)); }
say '"records":1,"role":"program","component":"x"'
say '"begin":"t","kind":"test","suite":"A","name":"one"'
say '"begin":"c","kind":"command","node":"n1","argv":["kvctl","join"]'
echo '[ RUN      ] A.one'
echo 'joined half of them'
until [ -e "$here/go" ]; do sleep 0.05; done
say '"end":"c","outcome":"exit status 0"'
say '"end":"t","outcome":"passed","seconds":1'
say '"close":6,"lost":0'
)";

// Runs one command line of a shell as the leader of a session with a terminal.
class OnTerminal {
 public:
  explicit OnTerminal(const std::string& command) {
    winsize size{.ws_row = 40, .ws_col = 200, .ws_xpixel = 0, .ws_ypixel = 0};
    int master = -1;
    pid_ = ::forkpty(&master, nullptr, nullptr, &size);
    check(pid_, "forkpty");
    if (pid_ == 0) {
      ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      ::_exit(127);
    }
    master_ = Fd(master);
    ::fcntl(master_.get(), F_SETFL, O_NONBLOCK);
    before_ = mode();
  }
  ~OnTerminal() {
    ::kill(-pid_, SIGKILL);
    if (!isOver_) ::waitpid(pid_, nullptr, 0);
  }

  void type(const std::string& keys) const {
    ASSERT_EQ(::write(master_.get(), keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }

  // Reads until the terminal has shown the text.
  testing::AssertionResult shows(const std::string& text) {
    bool isSeen = waitUntil(after(kWait), [&] {
      read();
      return seen_.find(text) != std::string::npos;
    });
    if (isSeen) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "\"" << text << "\" is not shown, but: " << seen_;
  }

  bool hasItsMode() const { return mode() == before_; }
  testing::AssertionResult listens() {
    bool isListening = waitUntil(after(kWait), [&] {
      read();
      return !hasItsMode();
    });
    if (isListening) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "its mode is as before: " << seen_;
  }

  // Returns the wait status of the shell, which has executed its last command, or that of a stop.
  int status(int options = 0) {
    int status = 0;
    bool isThere = waitUntil(after(kWait), [&] {
      read();
      return ::waitpid(pid_, &status, options | WNOHANG) == pid_;
    });
    EXPECT_TRUE(isThere) << seen_;
    isOver_ = isThere && !WIFSTOPPED(status);
    read();
    return status;
  }

  pid_t pid() const { return pid_; }
  const std::string& seen() const { return seen_; }

 private:
  std::string mode() const {
    termios mode{};
    check(::tcgetattr(master_.get(), &mode), "tcgetattr");
    return {reinterpret_cast<const char*>(&mode), sizeof mode};
  }

  void read() {
    char buffer[4096];
    ssize_t count = 0;
    while ((count = ::read(master_.get(), buffer, sizeof buffer)) > 0) {
      seen_.append(buffer, static_cast<size_t>(count));
    }
  }

  pid_t pid_ = -1;
  Fd master_;
  std::string before_;
  std::string seen_;
  bool isOver_ = false;
};

class TerminalRunTest : public testing::Test {
 protected:
  TerminalRunTest() {
    char pattern[] = "/tmp/muster-terminal-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    putFile(directory_ + "/x_tests", kProgram, 0755);
  }
  ~TerminalRunTest() override { fs::remove_all(directory_); }

  std::string run(const std::string& more = "") const {
    std::string muster = fs::read_symlink("/proc/self/exe").parent_path() / "muster";
    return "ulimit -c 0; unset MUSTER_RUN_DIR MUSTER_RUN_ID MUSTER_RECORD_OF MUSTER_CLUSTER; "
           "TERM=xterm exec " +
           muster + " run --bin-dir " + directory_ + " --run-dir " + directory_ + "/run " + more;
  }

  void letTestEnd() const { putFile(directory_ + "/go", "", 0644); }

  std::string directory_;
};

TEST_F(TerminalRunTest, KeyTellsWhatRuns) {
  OnTerminal terminal(run());
  EXPECT_TRUE(terminal.shows("[t: what runs now]"));
  terminal.type("t");
  EXPECT_TRUE(terminal.shows("muster: x/A.one, for "));
  EXPECT_TRUE(terminal.shows("on n1"));
  EXPECT_TRUE(terminal.shows("last command on n1: kvctl join, for "));
  EXPECT_TRUE(terminal.shows("the time of the test 10:00"));
  EXPECT_TRUE(terminal.shows("joined half of them"));
  letTestEnd();
  EXPECT_EQ(terminal.status(), 0) << terminal.seen();
  EXPECT_TRUE(terminal.hasItsMode());
}

TEST_F(TerminalRunTest, TerminalHasItsModeAgainAfterEachSignal) {
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV}) {
    fs::remove_all(directory_ + "/run");
    OnTerminal terminal(run());
    EXPECT_TRUE(terminal.listens());
    ::kill(terminal.pid(), number);
    terminal.status();
    EXPECT_TRUE(terminal.hasItsMode()) << number;
  }
}

TEST_F(TerminalRunTest, TerminalHasItsModeWhileTheRunIsStopped) {
  std::string fetch = "until [ -e " + directory_ + "/fetch ]; do sleep 0.05; done; fg; ";
  OnTerminal terminal("set -m; (" + run() + "); echo st\"\"opped; " + fetch + "echo ov\"\"er $?");
  EXPECT_TRUE(terminal.listens());
  terminal.type("\x1a");
  EXPECT_TRUE(terminal.shows("stopped"));
  EXPECT_TRUE(terminal.hasItsMode());
  putFile(directory_ + "/fetch", "", 0644);
  EXPECT_TRUE(terminal.listens());
  terminal.type("t");
  EXPECT_TRUE(terminal.shows("last command on n1"));
  letTestEnd();
  EXPECT_TRUE(terminal.shows("over 0"));
  EXPECT_TRUE(terminal.hasItsMode());
}

TEST_F(TerminalRunTest, RunInTheBackgroundLeavesTheTerminalAlone) {
  OnTerminal terminal("set -m; (" + run() + ") & echo \"job $!\"; wait; echo over");
  EXPECT_TRUE(terminal.shows("x/A.one"));
  terminal.type("t\n");
  EXPECT_TRUE(terminal.hasItsMode());
  letTestEnd();
  EXPECT_TRUE(terminal.shows("over"));
  EXPECT_THAT(terminal.seen(), Not(HasSubstr("last command")));
  EXPECT_THAT(terminal.seen(), Not(HasSubstr("what runs now")));
  EXPECT_EQ(terminal.status(), 0);
}

TEST_F(TerminalRunTest, ProgramThatHasTheTerminalKeepsItsKeys) {
  OnTerminal terminal(run("--live"));
  EXPECT_TRUE(terminal.shows("joined half of them"));
  EXPECT_TRUE(terminal.hasItsMode());
  letTestEnd();
  EXPECT_EQ(terminal.status(), 0) << terminal.seen();
}

}  // namespace
}  // namespace harness
