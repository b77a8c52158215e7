// F18: payloads try to survive, each by another tactic.
//
// Nothing of them may live on after a kill, a cancel, a deadline or the end of the session.
#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/escape_tactics.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::Outcome;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

class EscapeTest : public FaultTest {
 protected:
  void SetUp() override {
    FaultTest::SetUp();
    if (IsSkipped()) return;
    startAgent();
    connect();
  }

  // Starts a payload and waits until it has become what its tactic means.
  muster::Process started(const std::string& tactic, muster::RunOptions options) {
    options.outputBytesMax = 64 << 10;
    std::string name = tag_ + "." + tactic;
    muster::Process process = node().start(escapeArgv(tactic, name), options);
    process.readUntil("ready", 10s);
    EXPECT_TRUE(agent().alive(Agent::Part::kKeeper)) << agent().end();
    EXPECT_FALSE(nothingRuns()) << "void: " << tactic << " does not run";
    return process;
  }

  void expectGone(const std::string& tactic) {
    auto before = steady_clock::now();
    bool empty = noneLeft(2s);
    EXPECT_TRUE(empty) << "I4 " << tactic << ": " << toString(taggedProcesses(tag_));
    if (!empty) killTagged(tag_);
    gone_.push_back(steady_clock::now() - before);
  }

  std::vector<nanoseconds> gone_;
};

TEST_F(EscapeTest, KillReachesEveryProcess) {
  for (size_t round = 0; round < trials(1, 0.02); ++round) {
    for (const std::string& tactic : escapeTactics()) {
      muster::DeadlineScope scope(15s);
      muster::Process process = started(tactic, tagged());
      process.kill();
      expectGone(tactic);
    }
  }
  std::printf("F18 %zu tactics killed: gone after p99 %s\n", escapeTactics().size(),
              toText(percentile(gone_, 99)).c_str());
}

TEST_F(EscapeTest, CancelWithGraceReachesEveryProcess) {
  for (const std::string& tactic : escapeTactics()) {
    muster::DeadlineScope scope(15s);
    muster::RunOptions options = tagged();
    options.grace = 50ms;
    started(tactic, options).cancel();
    expectGone(tactic);
  }
}

TEST_F(EscapeTest, DeadlineReachesEveryProcess) {
  std::vector<muster::Process> processes;
  muster::RunOptions options = tagged();
  options.deadline = 4s;
  options.grace = 50ms;
  for (const std::string& tactic : escapeTactics()) processes.push_back(started(tactic, options));
  for (size_t i = 0; i < processes.size(); ++i) {
    muster::Result result = processes[i].wait(15s);
    bool ended = result.outcome.kind() == Outcome::Kind::kExited;
    EXPECT_TRUE(ended || result.outcome.kind() == Outcome::Kind::kDeadline)
        << escapeTactics()[i] << ": " << result.outcome;
  }
  // Where the first process ended by itself, its descendants still belong to the session.
  processes.clear();
  disconnect();
  expectGone("all");
}

TEST_F(EscapeTest, EndOfTheSessionReachesEveryProcess) {
  std::vector<muster::Process> processes;
  for (const std::string& tactic : escapeTactics()) processes.push_back(started(tactic, tagged()));
  for (const std::string& tactic : unboundEscapeTactics())
    processes.push_back(started(tactic, tagged()));
  disconnect();
  expectGone("all");
}

// Root may move a process out of its job's control group. The agent still knows it by its mark and
// by its parents.
TEST_F(EscapeTest, KillReachesProcessesOutsideTheirControlGroup) {
  for (const std::string& tactic : unboundEscapeTactics()) {
    muster::Process process = started(tactic, tagged());
    process.kill();
    expectGone(tactic);
  }
}

}  // namespace
}  // namespace robustness
