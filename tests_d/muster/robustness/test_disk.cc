// F13: the disk below the agent's state directory is slow, or does not answer at all.
//
// Spool, records of detached commands, undo lists and audit log lie there. What needs the disk
// waits for it, with a bound, and everybody else goes on: FaultTest measures the keeper's loop.
#include <chrono>
#include <optional>

#include "tests_d/muster/robustness/call_faults.h"
#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/stream.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::NodeError;
using muster::Outcome;
using Part = Agent::Part;
using ::testing::HasSubstr;

constexpr auto kSlow = 100ms;
constexpr auto kHung = -1ns;
constexpr uint64_t kLines = 200'000;  // More than memory and pipe hold.

class DiskTest : public FaultTest {
 protected:
  void start(bool audit) {
    faults_.emplace(directory_);
    Agent::Options options;
    options.keeperCalls = faults_->path();
    options.audit = audit;
    startAgent(std::move(options));
    connect();
  }
  void TearDown() override {
    if (faults_) {
      slowDown(0ns);
      EXPECT_GT(faults_->control().slowed, 0u) << "void: no call met the slow disk";
    }
    FaultTest::TearDown();
  }

  void slowDown(std::chrono::nanoseconds pause) {
    faults_->slowDown(agent().stateDirectory(), pause);
  }

  // Starts a command whose output nobody reads, so that it goes to the spool.
  muster::Process startLoud() {
    muster::Process process = node().start(streamArgv(tag_ + ".loud", kLines, 0), tagged());
    letPass(500ms);
    return process;
  }
  void expectAllOf(muster::Process& process) {
    muster::Result result = process.wait(60s);
    EXPECT_EQ(result.outcome, Outcome::exited(0));
    EXPECT_EQ(result.outDroppedBytes, 0u);
    EXPECT_EQ(streamFlaw(tag_ + ".loud", kLines, result.out, Extent::kWhole), "");
  }

  muster::RunOptions detached() const {
    muster::RunOptions options = tagged();
    options.lifetime = muster::CommandLifetime::kDetached;
    options.deadline = 60s;
    return options;
  }
  muster::RunOptions within(std::chrono::nanoseconds deadline) const {
    muster::RunOptions options = tagged();
    options.deadline = deadline;
    return options;
  }

  // Commands and calls that need nothing of the disk.
  void expectUsable() {
    for (int i = 0; i < 10; ++i)
      ASSERT_EQ(node().run({"true"}, within(5s)).outcome, Outcome::exited(0));
    EXPECT_FALSE(node().facts().agent.version.empty());
  }

  // Returns the failure of a start, whose text says why. The test fails if there is none.
  std::optional<NodeError> refusalOf(const muster::Argv& argv, const muster::RunOptions& options) {
    muster::DeadlineScope scope(30s);
    try {
      node().run(argv, options);
      ADD_FAILURE() << argv[0] << " was started";
    } catch (const NodeError& error) {
      return error;
    }
    return std::nullopt;
  }

  std::optional<CallFaults> faults_;
};

TEST_F(DiskTest, SlowDiskHoldsNobodyElse) {
  start(false);
  slowDown(kSlow);
  muster::Process loud = startLoud();
  muster::Process apart = node().start({"/bin/sh", "-c", "echo here; exit 3"}, detached());
  expectUsable();
  expectAllOf(loud);
  muster::Result result = apart.wait(30s);
  EXPECT_EQ(result.outcome, Outcome::exited(3));
  EXPECT_EQ(result.out, "here\n");
}

TEST_F(DiskTest, SlowAuditLogDelaysOnlyWhatIsRecorded) {
  start(true);
  slowDown(kSlow);
  muster::File file = node().file(directory_ + "/elsewhere");
  file.write("here");
  EXPECT_EQ(file.read(), "here");
  EXPECT_EQ(node().run({"true"}, within(20s)).outcome, Outcome::exited(0));
  EXPECT_FALSE(node().facts().agent.version.empty());
}

TEST_F(DiskTest, HungDiskHoldsOnlyOutputThatDoesNotFitIntoMemory) {
  start(false);
  slowDown(kHung);
  muster::Process loud = startLoud();
  expectUsable();
  EXPECT_FALSE(taggedProcesses(tag_).empty()) << "void: all of its output found room";
  slowDown(0ns);
  expectAllOf(loud);
}

TEST_F(DiskTest, CommandThatWaitsForAHungDiskCanBeKilled) {
  start(false);
  slowDown(kHung);
  muster::Process loud = startLoud();
  muster::Result result = loud.kill();
  EXPECT_EQ(result.outcome.kind(), Outcome::Kind::kCancelled);
  EXPECT_TRUE(noneLeft(5s)) << toString(taggedProcesses(tag_));
  expectUsable();
}

TEST_F(DiskTest, DetachedStartOnAHungDiskFailsAndIsNotMadeLater) {
  start(false);
  slowDown(kHung);
  auto refused = refusalOf({"/bin/sh", "-c", "echo x >> " + directory_ + "/effects"}, detached());
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind(), NodeError::Kind::kSystem);
  EXPECT_THAT(refused->what(), HasSubstr("detached: the disk has not answered within"));
  expectUsable();
  slowDown(0ns);
  EXPECT_TRUE(becomesTrue(
      [this] { return filesBelow(agent().stateDirectory() + "/detached").empty(); }, 10s));
  agent().kill(Part::kKeeper);
  agent().start(Part::kKeeper);
  connect();
  expectUsable();
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/effects"));
}

TEST_F(DiskTest, HungAuditLogRefusesWhatCannotBeRecorded) {
  start(true);
  slowDown(kHung);
  auto refused = refusalOf({"touch", directory_ + "/effects"}, within(30s));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->kind(), NodeError::Kind::kOverloaded);
  EXPECT_THAT(refused->what(), HasSubstr("calls wait for its disk"));
  EXPECT_FALSE(node().facts().agent.version.empty());
  slowDown(0ns);
  expectUsable();
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/effects"));
}

TEST_F(DiskTest, KeeperEndsInOrderThoughItsDiskHangs) {
  start(true);
  muster::Process loud = startLoud();
  slowDown(kHung);
  letPass(200ms);
  auto before = std::chrono::steady_clock::now();
  agent().signal(Part::kFront, SIGTERM);
  agent().signal(Part::kKeeper, SIGTERM);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 60s);
  EXPECT_TRUE(noneLeft(5s)) << toString(taggedProcesses(tag_));
  slowDown(0ns);
  agent().start(Part::kKeeper);
  agent().start(Part::kFront);
  agent().awaitListening();
}

}  // namespace
}  // namespace robustness
