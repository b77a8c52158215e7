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
if [ -e "$here/makes" ]; then
  echo '{"cluster":"run-1","nodes":2,"begin":1,"ready":1}' >"$MUSTER_MAKING"
  while [ -e "$here/makes" ]; do sleep 0.05; done
  rm "$MUSTER_MAKING"
fi
say '"begin":"t","kind":"test","suite":"A","name":"one"'
say '"begin":"c","kind":"command","node":"n1","argv":["kvctl","join"]'
echo '[ RUN      ] A.one'
echo 'joined half of them'
until [ -e "$here/go" ]; do sleep 0.05; done
say '"end":"c","outcome":"exit status 0"'
say '"end":"t","outcome":"passed","seconds":100'
say '"close":6,"lost":0'
)";

// A component of two suites, whose nodes are made for both processes. What it does at each step
// waits for a file: "three" of five nodes are ready, all are "made", and the nodes are "gone".
constexpr char kNodesProgram[] = R"(#!/bin/sh
here=${0%/*}
await() { until [ -e "$here/$1" ] || [ ! -d "$here" ]; do sleep 0.02; done; }
case "$*" in
  *--muster-hold-nodes*)
    echo '{"cluster":"run-4711","nodes":5,"begin":1}' >"$MUSTER_MAKING"
    await three
    echo '{"cluster":"run-4711","nodes":5,"begin":1,"ready":3}' >"$MUSTER_MAKING.new"
    mv "$MUSTER_MAKING.new" "$MUSTER_MAKING"
    if [ -e "$here/ends-early" ]; then cat; : >"$here/ended"; exit; fi
    await made
    rm "$MUSTER_MAKING"
    echo 'muster: made cluster run-4711 of 5 nodes' >&2
    echo 'cluster run-4711'
    cat
    await gone
    exit ;;
  *--gtest_list_tests*)
    for argument in "$@"; do
      case $argument in
        --gtest_output=json:*)
          echo '{"testsuites":[{"name":"A","testsuite":[{"name":"one","file":"a.cc","line":1}]},
            {"name":"B","testsuite":[{"name":"one","file":"a.cc","line":2}]}]}' \
            >"${argument#--gtest_output=json:}" ;;
      esac
    done
    exit 0 ;;
esac
: >"$here/begun"
n=0
say() { echo "{\"n\":$n,\"at\":$n,$1}" >>"$MUSTER_RECORD"; n=$((n + 1)); }
suite=A
grep -q B.one "${1#--gtest_flagfile=}" && suite=B
say '"records":1,"role":"program","component":"x"'
say "\"begin\":\"t\",\"kind\":\"test\",\"suite\":\"$suite\",\"name\":\"one\""
say '"end":"t","outcome":"passed","seconds":1'
say '"close":3,"lost":0'
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

  // Returns the command line of a run whose record is in this directory of the test's.
  std::string runInto(const std::string& name, const std::string& more = "") const {
    std::string muster = fs::read_symlink("/proc/self/exe").parent_path() / "muster";
    return "ulimit -c 0; unset MUSTER_RUN_DIR MUSTER_RUN_ID MUSTER_RECORD_OF MUSTER_CLUSTER; "
           "TERM=xterm exec " +
           muster + " run --bin-dir " + directory_ + " --run-dir " + directory_ + "/" + name + " " +
           more;
  }
  std::string run(const std::string& more = "") const { return runInto("run", more); }

  void letTestEnd() const { put("go"); }
  void put(const std::string& name) const { putFile(directory_ + "/" + name, "", 0644); }
  bool has(const std::string& name) const { return fs::exists(directory_ + "/" + name); }

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

TEST_F(TerminalRunTest, TimeThatIsLeftIsKnownFromEarlierRuns) {
  std::string enter = "cd " + directory_ + " && ";
  letTestEnd();
  EXPECT_EQ(OnTerminal(enter + runInto("muster-runs/first")).status(), 0);
  fs::remove(directory_ + "/go");
  OnTerminal terminal(enter + runInto("muster-runs/second"));
  EXPECT_TRUE(terminal.shows("0/1 0:00, about 1:3"));
  letTestEnd();
  EXPECT_EQ(terminal.status(), 0) << terminal.seen();
}

TEST_F(TerminalRunTest, KeyTellsWhatTheProgramOfATestMakes) {
  put("makes");
  OnTerminal terminal(run());
  EXPECT_TRUE(terminal.shows("  making cluster run-1: 1 of 2 nodes, "));
  terminal.type("t");
  EXPECT_TRUE(terminal.shows("muster: x: making cluster run-1: 1 of 2 nodes, "));
  fs::remove(directory_ + "/makes");
  EXPECT_TRUE(terminal.shows("x/A.one"));
  letTestEnd();
  EXPECT_EQ(terminal.status(), 0) << terminal.seen();
}

class TerminalNodesTest : public TerminalRunTest {
 protected:
  TerminalNodesTest() { putFile(directory_ + "/x_tests", kNodesProgram, 0755); }
};

TEST_F(TerminalNodesTest, KeyTellsWhatIsMadeAndWhatIsRemoved) {
  OnTerminal terminal(run());
  EXPECT_TRUE(terminal.shows("making cluster run-4711 of 5 nodes, "));
  terminal.type("t");
  EXPECT_TRUE(terminal.shows("muster: x: making cluster run-4711 of 5 nodes, "));
  put("three");
  EXPECT_TRUE(terminal.shows("  making cluster run-4711: 3 of 5 nodes, "));
  terminal.type("t");
  EXPECT_TRUE(terminal.shows("muster: x: making cluster run-4711: 3 of 5 nodes, "));
  put("made");
  EXPECT_TRUE(terminal.shows("\r\033[Kmuster: made cluster run-4711 of 5 nodes\r\n"));
  EXPECT_TRUE(terminal.shows("x/B.one"));
  EXPECT_TRUE(terminal.shows("removing cluster run-4711, "));
  terminal.type("t");
  EXPECT_TRUE(terminal.shows("muster: x: removing cluster run-4711, "));
  put("gone");
  EXPECT_EQ(terminal.status(), 0) << terminal.seen();
  EXPECT_TRUE(terminal.hasItsMode());
}

TEST_F(TerminalNodesTest, InterruptEndsTheMakingOfNodesAndNoTestBegins) {
  put("ends-early");
  put("three");
  OnTerminal terminal(run());
  EXPECT_TRUE(terminal.shows("making cluster run-4711: 3 of 5 nodes, "));
  terminal.type("\x03");
  int status = terminal.status();
  EXPECT_EQ(WEXITSTATUS(status), 4) << terminal.seen();
  EXPECT_TRUE(has("ended"));
  EXPECT_FALSE(has("begun"));
  EXPECT_THAT(terminal.seen(), HasSubstr("2 not run"));
  EXPECT_TRUE(terminal.hasItsMode());
}

TEST_F(TerminalNodesTest, SecondInterruptDoesNotWaitForTheRemovalOfNodes) {
  put("three");
  put("made");
  OnTerminal terminal(run());
  EXPECT_TRUE(terminal.shows("removing cluster run-4711, "));
  terminal.type("\x03");
  EXPECT_TRUE(terminal.shows("muster: cancelled: stopped by SIGINT\r\n"));
  terminal.type("\x03");
  int status = terminal.status();
  EXPECT_EQ(WEXITSTATUS(status), 4) << terminal.seen();
  EXPECT_TRUE(terminal.hasItsMode());
}

TEST_F(TerminalNodesTest, TerminalHasItsModeWhileTheRunIsStoppedAtMakingNodes) {
  std::string fetch = "until [ -e " + directory_ + "/fetch ]; do sleep 0.05; done; fg; ";
  OnTerminal terminal("set -m; (" + run() + "); echo st\"\"opped; " + fetch + "echo ov\"\"er $?");
  EXPECT_TRUE(terminal.shows("making cluster run-4711 of 5 nodes, "));
  EXPECT_TRUE(terminal.listens());
  terminal.type("\x1a");
  EXPECT_TRUE(terminal.shows("stopped"));
  EXPECT_TRUE(terminal.hasItsMode());
  for (const char* name : {"three", "made", "gone", "fetch"}) put(name);
  EXPECT_TRUE(terminal.shows("over 0"));
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
