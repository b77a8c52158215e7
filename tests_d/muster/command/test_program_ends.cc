// What a test program leaves on real nodes when it is ended, and what the next one learns of it.
#include <signal.h>
#include <sys/wait.h>

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

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProgram[] = "muster-test-daemon";
constexpr std::chrono::seconds kWaitMax{20};
constexpr std::chrono::seconds kEndMax{60};

class ProgramEndsTest : public OwnClusterTest {
 protected:
  void SetUp() override {
    OwnClusterTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_THAT(muster({"up", file("  server1: {role: server}\n")}), exits(0));
  }
  void TearDown() override {
    if (pid_ != 0) endWith(SIGKILL);
    OwnClusterTest::TearDown();
  }

  std::vector<std::string> arguments(const std::string& test) const {
    return {"--cluster=" + cluster_, "--gtest_filter=DaemonTest." + test,
            "--gtest_output=xml:" + directory_ + "/r.xml"};
  }

  // Starts a program whose test leaves the daemon and runs a command, and waits for both.
  void start(const std::string& program, const std::vector<std::string>& arguments) {
    pid_ = startProgram(program, arguments);
    EXPECT_TRUE(muster_tests::becomesTrue(
        [this] { return runs("sleep 2000") && runs("sleep 1000"); }, kWaitMax));
  }

  // Runs the program with the test that only looks for the daemon.
  Ended look(const std::vector<std::string>& more) {
    std::vector<std::string> all = arguments("Looks");
    all.insert(all.end(), more.begin(), more.end());
    return runProgram(kProgram, all);
  }

  bool runs(const std::string& command) const {
    return onCluster("exec", {"server1", "--", "pgrep", "-fx", command}).status == 0;
  }

  void signal(int number) const { ::kill(pid_, number); }

  // Returns the signal that the program died of; 0 if it did not die of one.
  int endWith(int number) {
    signal(number);
    int status = 0;
    auto hasEnded = [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; };
    if (!muster_tests::becomesTrue(hasEnded, kEndMax)) {
      ADD_FAILURE() << "signal " << number << " does not end the program";
      signal(SIGKILL);
      ::waitpid(pid_, &status, 0);
    }
    pid_ = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

  std::string contentOf(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/" + name).rdbuf();
    return text.str();
  }

  pid_t pid_ = 0;
};

TEST_F(ProgramEndsTest, SignalEndsWhatItsTestsStartedAtOnce) {
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    start(kProgram, arguments("Waits:DaemonTest.Looks"));
    EXPECT_EQ(endWith(number), number);
    EXPECT_FALSE(runs("sleep 1000") || runs("sleep 2000"));
    EXPECT_THAT(contentOf("r.xml"),
                HasSubstr(std::string("cancelled: SIG") + sigabbrev_np(number)));
  }
  EXPECT_THAT(look({}).err, AllOf(HasSubstr("was started"), Not(HasSubstr("has left"))));
}

TEST_F(ProgramEndsTest, SignalEndsATestThatCannotBeInterruptedToo) {
  start(kProgram, arguments("Hangs"));
  EXPECT_EQ(endWith(SIGTERM), SIGTERM);
  EXPECT_FALSE(runs("sleep 1000") || runs("sleep 2000"));
  EXPECT_THAT(contentOf("r.xml"), HasSubstr("cancelled: SIGTERM; did not end within 10 s"));
}

TEST_F(ProgramEndsTest, TestThatLeavesANodeChangedFailsIfNodesAreChecked) {
  // This program may itself have been told to check its nodes.
  ASSERT_EQ(unsetenv("MUSTER_CHECK_NODES"), 0);
  std::string leaves = "LeavesAMount:DaemonTest.Looks";
  EXPECT_EQ(runProgram(kProgram, arguments("LeavesAMount")).status, 0);
  EXPECT_THAT(onCluster("exec", {"server1", "--", "umount", "/mnt"}), exits(0));
  std::vector<std::string> checked = arguments(leaves);
  checked.push_back("--check-nodes");
  Ended ended = runProgram(kProgram, checked);
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("left on node server1: mount tmpfs left on /mnt"),
                               HasSubstr("[       OK ] DaemonTest.Looks"),
                               HasSubstr("[  FAILED  ] DaemonTest.LeavesAMount")));
}

TEST_F(ProgramEndsTest, NextProgramIsToldWhatAKilledOneHasLeft) {
  start(kProgram, arguments("Waits"));
  EXPECT_EQ(endWith(SIGKILL), SIGKILL);
  Ended next = look({});
  EXPECT_THAT(next.err, AllOf(HasSubstr("muster-test-daemon (pid "), HasSubstr(") has left:\n"),
                              HasSubstr("node server1: 2 commands run: job "), HasSubstr("(sleep)"),
                              HasSubstr("--end-leftovers"), HasSubstr("the daemon runs already")));
  EXPECT_THAT(contentOf("r.xml"), HasSubstr("<property name=\"muster_leftovers\""));
  EXPECT_TRUE(runs("sleep 1000"));
}

TEST_F(ProgramEndsTest, LeftoversAreEndedBeforeTheTestsIfWanted) {
  start(kProgram, arguments("Waits"));
  endWith(SIGKILL);
  EXPECT_THAT(look({"--end-leftovers"}).err,
              AllOf(HasSubstr("it has been ended"), HasSubstr("the daemon was started")));
  EXPECT_FALSE(runs("sleep 1000") || runs("sleep 2000"));
}

TEST_F(ProgramEndsTest, AdoptedLeftoversEndWithTheProgramThatAdoptedThem) {
  start(kProgram, arguments("Waits"));
  endWith(SIGKILL);
  EXPECT_THAT(look({"--adopt"}).err,
              AllOf(HasSubstr("has adopted it"), HasSubstr("the daemon runs already")));
  EXPECT_FALSE(runs("sleep 1000") || runs("sleep 2000"));
}

TEST_F(ProgramEndsTest, ProgramThatRunsSideBySideIsLeftAlone) {
  start(kProgram, arguments("Waits"));
  EXPECT_THAT(look({"--end-leftovers"}).err,
              AllOf(Not(HasSubstr("has left")), HasSubstr("the daemon runs already")));
  EXPECT_TRUE(runs("sleep 1000") && runs("sleep 2000"));
}

TEST_F(ProgramEndsTest, RunOfProgramsPassesSignalsAndOptionsOn) {
  namespace fs = std::filesystem;
  fs::create_symlink(fs::read_symlink("/proc/self/exe").parent_path() / kProgram,
                     directory_ + "/x_tests");
  int count = 0;
  std::vector<std::string> run = {"run",      "--cluster",    cluster_,  "--bin-dir",
                                  directory_, "--report-dir", directory_};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--run-dir", directory_ + "/run" + std::to_string(++count)});
    more.insert(more.begin(), run.begin(), run.end());
    return more;
  };
  start("muster", with({"--", "--gtest_filter=DaemonTest.Waits:DaemonTest.Looks"}));
  EXPECT_EQ(endWith(SIGTERM), 0);
  EXPECT_FALSE(runs("sleep 1000"));
  EXPECT_THAT(contentOf("x.xml"), HasSubstr("cancelled: SIGTERM"));
  start(kProgram, arguments("Waits"));
  endWith(SIGKILL);
  EXPECT_THAT(muster(with({"--live", "--end-leftovers", "--", "--gtest_filter=DaemonTest.Looks"})),
              AllOf(exits(0), complains("it has been ended")));
}

}  // namespace
}  // namespace command
