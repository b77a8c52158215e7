// F18: payloads that do not want to end. Whatever they do, nothing of them lives on after a kill, a
// deadline, or the end of the session.
#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/escape_tactics.h"

namespace faults {
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

  // Starts one and waits until it is what it wants to be.
  muster::Process started(const std::string& kind, muster::RunOptions options) {
    options.outputBytesMax = 64 << 10;
    std::string name = tag_ + "." + kind;
    muster::Process process = node().start(escapeArgv(kind, name), options);
    process.readUntil("ready", 10s);
    EXPECT_TRUE(agent().alive(Agent::Part::kKeeper)) << agent().end();
    EXPECT_FALSE(nothingRuns()) << "void: " << kind << " does not run";
    return process;
  }

  void expectGone(const std::string& kind) {
    auto before = steady_clock::now();
    bool empty = noneLeft(2s);
    EXPECT_TRUE(empty) << "I4 " << kind << ": " << toString(taggedProcesses(tag_));
    if (!empty) killTagged(tag_);
    gone_.push_back(steady_clock::now() - before);
  }

  std::vector<nanoseconds> gone_;
};

TEST_F(EscapeTest, KillReachesEveryProcess) {
  for (size_t round = 0; round < trials(1, 0.02); ++round) {
    for (const std::string& kind : escapeTactics()) {
      muster::DeadlineScope scope(15s);
      muster::Process process = started(kind, tagged());
      process.kill();
      expectGone(kind);
    }
  }
  std::printf("F18 %zu kinds killed: gone after p99 %s\n", escapeTactics().size(),
              toText(percentile(gone_, 99)).c_str());
}

TEST_F(EscapeTest, CancelWithGraceReachesEveryProcess) {
  for (const std::string& kind : escapeTactics()) {
    muster::DeadlineScope scope(15s);
    muster::RunOptions options = tagged();
    options.grace = 50ms;
    started(kind, options).cancel();
    expectGone(kind);
  }
}

TEST_F(EscapeTest, DeadlineReachesEveryProcess) {
  std::vector<muster::Process> processes;
  muster::RunOptions options = tagged();
  options.deadline = 4s;
  options.grace = 50ms;
  for (const std::string& kind : escapeTactics()) processes.push_back(started(kind, options));
  for (size_t i = 0; i < processes.size(); ++i) {
    muster::Result result = processes[i].wait(15s);
    bool ended = result.outcome.kind() == Outcome::Kind::kExited;
    EXPECT_TRUE(ended || result.outcome.kind() == Outcome::Kind::kDeadline)
        << escapeTactics()[i] << ": " << result.outcome;
  }
  // Of those whose first process ended by itself, the descendants belong to the session still.
  processes.clear();
  disconnect();
  expectGone("all");
}

TEST_F(EscapeTest, EndOfTheSessionReachesEveryProcess) {
  std::vector<muster::Process> processes;
  for (const std::string& kind : escapeTactics()) processes.push_back(started(kind, tagged()));
  for (const std::string& kind : unboundEscapeTactics())
    processes.push_back(started(kind, tagged()));
  disconnect();
  expectGone("all");
}

// What root moves out of the job's control group is known by its mark and by its parents.
TEST_F(EscapeTest, KillReachesWhatLeftItsControlGroup) {
  for (const std::string& kind : unboundEscapeTactics()) {
    muster::Process process = started(kind, tagged());
    process.kill();
    expectGone(kind);
  }
}

}  // namespace
}  // namespace faults
