// Processes that hang, file systems that do not answer, crowds of processes, and slow databases.
//
// None of them may keep the agent from serving everybody else: FaultTest measures the keeper's
// loop.
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/hung_mount.h"

namespace robustness {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using muster::Outcome;
using Part = Agent::Part;
using ::testing::HasSubstr;
using ::testing::Not;

class HangTest : public FaultTest {
 protected:
  void SetUp() override {
    FaultTest::SetUp();
    if (!IsSkipped() && !HungMount::available()) GTEST_SKIP() << "/dev/fuse cannot be opened here";
  }
  // A look for processes of the trial would hang as well.
  void TearDown() override {
    mount_.reset();
    FaultTest::TearDown();
  }
  void start(Agent::Options options = {}) {
    startAgent(std::move(options));
    connect();
    mount_.emplace(directory_ + "/hung");
  }

  muster::Argv payload(const std::vector<std::string>& words) const {
    muster::Argv argv = {programDirectory() + "/muster-test-payload"};
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  }
  muster::RunOptions withDeadline(std::chrono::nanoseconds deadline) const {
    muster::RunOptions options = tagged();
    options.deadline = deadline;
    options.grace = 50ms;
    return options;
  }

  static char stateOf(pid_t pid) {
    std::ifstream stream("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    size_t end = text.rfind(')');
    return end == std::string::npos || end + 2 >= text.size() ? '?' : text[end + 2];
  }
  static bool becomesStuck(pid_t pid) {
    return becomesTrue([&] { return stateOf(pid) == 'D'; }, 10s);
  }

  // Returns the directory of the process's group of cgroup2, or nothing if it has none of its own.
  static std::string groupOf(pid_t pid) {
    std::ifstream groups("/proc/" + std::to_string(pid) + "/cgroup");
    for (std::string line; std::getline(groups, line);) {
      if (line.rfind("0::/", 0) != 0 || line.find("/job-") == std::string::npos) continue;
      for (const char* top : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
        std::string group = top + line.substr(3);
        if (fs::exists(group + "/cgroup.freeze")) return group;
      }
    }
    return "";
  }

  // Starts a process that holds the lock of its own memory for as long as the mount hangs.
  muster::Process startStuck(const muster::RunOptions& options) {
    muster::Process stuck = node().start(payload({"hang", mount_->path() + "/file"}), options);
    stuck.readUntil("ready", 10s);
    EXPECT_TRUE(becomesStuck(stuck.pid())) << "void: it does not hang";
    return stuck;
  }

  void expectUsable() {
    for (int i = 0; i < 10; ++i)
      ASSERT_EQ(node().run({"true"}, withDeadline(5s)).outcome, Outcome::exited(0));
    EXPECT_EQ(node().facts().agent.version.empty(), false);
  }

  // Ends the session, and returns what it could not undo.
  std::string leftoversOfSession() {
    std::string text;
    for (const harness::Leftover& left :
         controller_->closeAll(std::chrono::steady_clock::now() + 30s))
      text += left.what + ": " + left.reason + "\n";
    closed_ = true;
    return text;
  }

  std::optional<HungMount> mount_;
};

// The kill at its deadline has no effect, and nobody else notices. The process is reported.
TEST_F(HangTest, StuckProcessIsReportedAndEverybodyElseGoesOn) {
  start();
  std::optional<muster::Process> stuck = startStuck(withDeadline(1s));
  pid_t pid = stuck->pid();
  letPass(1200ms);
  expectUsable();
  EXPECT_EQ(stateOf(pid), 'D');
  stuck.reset();
  EXPECT_THAT(leftoversOfSession(), HasSubstr("pid " + std::to_string(pid)));
}

// The next keeper looks for processes of its predecessor, and finds one of which nothing can be
// read.
TEST_F(HangTest, KeeperStartsBesideAStuckProcess) {
  start();
  { muster::Process stuck = startStuck(tagged()); }
  agent().kill(Part::kKeeper);
  agent().start(Part::kKeeper);
  connect();
  expectUsable();
}

TEST_F(HangTest, ProgramOrDirectoryThatHangsKeepsOnlyItsOwnCommand) {
  start();
  muster::Process program = node().start({mount_->path() + "/program"}, withDeadline(500ms));
  muster::RunOptions there = withDeadline(500ms);
  there.directory = mount_->path() + "/lost";
  muster::Process directory = node().start({"true"}, there);
  letPass(700ms);
  expectUsable();
  mount_.reset();
  EXPECT_EQ(program.wait(5s).outcome.kind(), Outcome::Kind::kDeadline);
  EXPECT_EQ(directory.wait(5s).outcome.kind(), Outcome::Kind::kDeadline);
}

// A configuration that cannot be read is left alone, and so is everybody else meanwhile.
TEST_F(HangTest, ReloadOfAFileThatHangsHoldsNobody) {
  std::string config = directory_ + "/agent.yaml";
  std::ofstream(config) << "log:\n  level: info\n";
  fs::permissions(config, fs::perms::owner_read | fs::perms::owner_write);
  start({.keeperConfig = config});
  fs::remove(config);
  fs::create_symlink(mount_->path() + "/program", config);
  agent().signal(Part::kKeeper, SIGHUP);
  letPass(200ms);
  expectUsable();
  EXPECT_THAT(agent().logs(), Not(HasSubstr("reloaded")));
  mount_.reset();
  EXPECT_TRUE(becomesTrue(
      [this] { return agent().logs().find("not reloaded") != std::string::npos; }, 10s));
  expectUsable();
}

// More calls than the agent has threads for files wait for the mount.
TEST_F(HangTest, FileCallsThatHangDoNotStopOthers) {
  start();
  for (int i = 0; i < 12; ++i) {
    muster::DeadlineScope scope(100ms);
    EXPECT_THROW(node().file(mount_->path() + "/program").read(), muster::NodeError);
  }
  muster::File file = node().file(directory_ + "/elsewhere");
  file.write("here");
  EXPECT_EQ(file.read(), "here");
  expectUsable();
}

TEST_F(HangTest, FrozenGroupIsKilled) {
  start();
  muster::Process frozen = node().start(escapeArgv("deep-tree", tag_ + ".frozen"), tagged());
  frozen.readUntil("ready", 10s);
  std::string group = groupOf(frozen.pid());
  if (group.empty()) GTEST_SKIP() << "jobs have no group of cgroup2 here";
  std::ofstream(group + "/cgroup.freeze") << "1";
  frozen.kill();
  EXPECT_TRUE(noneLeft(2s)) << toString(taggedProcesses(tag_));
  expectUsable();
}

TEST_F(HangTest, CrowdIsSignalledAndKilled) {
  start();
  muster::Process crowd = node().start(payload({"crowd", "5000"}), withDeadline(30s));
  crowd.readUntil("ready", 30s);
  expectUsable();
  crowd.cancel();
  EXPECT_TRUE(noneLeft(10s)) << taggedProcesses(tag_).size() << " are left";
  expectUsable();
}

TEST_F(HangTest, LargeEnvironmentsAreNotReadInFull) {
  start();
  std::vector<muster::Process> large;
  for (int i = 0; i < 4; ++i) {
    large.push_back(node().start(payload({"environment", "100"}), tagged()));
    large.back().readUntil("ready", 10s);
  }
  for (muster::Process& process : large) process.kill();
  EXPECT_TRUE(noneLeft(5s)) << toString(taggedProcesses(tag_));
  expectUsable();
}

// Names that are not in the node's files are asked for elsewhere, which may take long.
TEST_F(HangTest, SlowUserDatabaseKeepsOnlyThoseThatAskIt) {
  std::string slow = directory_ + "/getent";
  std::ofstream(slow) << "#!/bin/sh\nexec sleep 2\n";
  chmod(slow.c_str(), 0755);
  start({.getent = slow});
  // More than the agent has threads for such look-ups.
  std::atomic<int> notStarted = 0;
  std::vector<std::thread> unknown;
  for (int i = 0; i < 6; ++i) {
    unknown.emplace_back([this, &notStarted, i] {
      muster::RunOptions options = withDeadline(30s);
      options.user = "nobody-knows-" + std::to_string(i);
      if (node().run({"true"}, options).outcome.kind() == Outcome::Kind::kNotStarted) ++notStarted;
    });
  }
  letPass(200ms);
  expectUsable();
  EXPECT_EQ(notStarted, 0) << "void: the database is not slow";
  for (std::thread& thread : unknown) thread.join();
  EXPECT_EQ(notStarted, 6);
}

}  // namespace
}  // namespace robustness
