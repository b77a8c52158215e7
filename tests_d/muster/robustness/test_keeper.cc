// F2: the keeper itself is killed with SIGKILL.
//
// That may end jobs, but never silently. Each job is reported as lost with the reason, or had ended
// before. Nothing of it lives on, and the next keeper serves.
#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/stream.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using muster::LostReason;
using muster::Outcome;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using Part = Agent::Part;

class KeeperFaultTest : public FaultTest {
 protected:
  void restartKeeper() {
    agent().kill(Part::kKeeper);
    agent().start(Part::kKeeper);
  }
};

// The next keeper must find the processes of jobs that it has not started.
TEST_F(KeeperFaultTest, KilledKeeperLeavesNothingAndReportsJobsAsLost) {
  startAgent();
  connect();
  const std::vector<std::string> tactics = {"plain",
                                            "setsid",
                                            "daemon",
                                            "ignores-term",
                                            "deep-tree",
                                            "changes-group",
                                            "changes-group-and-session"};
  size_t times = trials(8, 0.25);
  std::vector<nanoseconds> gone;
  for (size_t trial = 0; trial < times; ++trial) {
    std::string name = tag_ + "." + std::to_string(trial);
    muster::Process stream = node().start(streamArgv(name, 100'000, 1000), tagged());
    muster::Process payload =
        node().start(escapeArgv(tactics[trial % tactics.size()], name + "z"), tagged());
    payload.readUntil("ready", 10s);
    stream.readLine(10s);
    letPass(drawn(20ms));
    ASSERT_FALSE(taggedProcesses(tag_).empty()) << "void: nothing ran";
    restartKeeper();
    auto before = steady_clock::now();
    EXPECT_TRUE(noneLeft(3s)) << "I4: " << toString(taggedProcesses(tag_));
    gone.push_back(steady_clock::now() - before);
    muster::Result result = stream.wait(10s);
    EXPECT_EQ(result.outcome.lostReason(), LostReason::kKeeperRestarted) << result.outcome;
    EXPECT_EQ(streamFlaw(name, 100'000, result.out, Extent::kBeginning), "");
    EXPECT_EQ(payload.wait(10s).outcome.kind(), Outcome::Kind::kLost);
    EXPECT_EQ(node().run({"true"}).outcome, Outcome::exited(0)) << "the next keeper serves";
  }
  std::printf("F2 %zu kills of the keeper: payloads gone after p99 %s\n", times,
              toText(percentile(gone, 99)).c_str());
}

// A start that is sent again to the next keeper must not be carried out a second time.
TEST_F(KeeperFaultTest, KeeperKilledUnderLoadRunsNothingTwice) {
  untilMet([&] {
    startAgent();
    Load load(connect(), loadOptions());
    size_t times = trials(10, 0.25), hits = 0;
    for (size_t trial = 0; trial < times; ++trial) {
      ASSERT_TRUE(load.awaitProgress(2, 20s)) << "after kill " << trial;
      letPass(drawn(50ms));
      if (load.inFlight() > 0) ++hits;
      restartKeeper();
    }
    ASSERT_TRUE(load.awaitProgress(2, 20s));
    Allowed allowed{.outcomes = {Outcome::Kind::kLost}, .errors = {muster::NodeError::Kind::kLost}};
    evaluate("F2 " + std::to_string(times) + " kills of the keeper under load", load, allowed, hits,
             times * 9 / 10);
  });
}

// Files that a session replaced with undo come back although the keeper that replaced them is dead.
TEST_F(KeeperFaultTest, NextKeeperRestoresTheFilesOfTheSession) {
  startAgent();
  connect();
  size_t times = trials(6, 0.05);
  for (size_t trial = 0; trial < times; ++trial) {
    muster::File changed = node().file(directory_ + "/changed");
    muster::File made = node().file(directory_ + "/made");
    changed.write("old");
    changed.write("new", {.undo = muster::UndoAt::kSessionEnd});
    made.write("new", {.undo = muster::UndoAt::kSessionEnd});
    ASSERT_EQ(changed.read(), "new") << "void";
    restartKeeper();
    EXPECT_TRUE(becomesTrue([&] { return changed.read() == "old" && !made.exists(); }, 5s))
        << "I4: \"" << changed.read() << "\"";
  }
}

// Front and keeper start in either order, as their units may.
TEST_F(KeeperFaultTest, FrontAndKeeperKilledTogetherRecover) {
  untilMet([&] {
    startAgent();
    Load load(connect(), loadOptions());
    size_t times = trials(4, 0.1), hits = 0;
    for (size_t trial = 0; trial < times; ++trial) {
      ASSERT_TRUE(load.awaitProgress(2, 20s)) << "after kill " << trial;
      if (load.inFlight() > 0) ++hits;
      agent().kill(Part::kFront);
      agent().kill(Part::kKeeper);
      // The front of every other trial has to wait for its keeper.
      agent().start(trial % 2 ? Part::kFront : Part::kKeeper);
      letPass(drawn(100ms));
      agent().start(trial % 2 ? Part::kKeeper : Part::kFront);
    }
    ASSERT_TRUE(load.awaitProgress(2, 20s));
    Allowed allowed{.outcomes = {Outcome::Kind::kLost}, .errors = {muster::NodeError::Kind::kLost}};
    evaluate("F2 " + std::to_string(times) + " kills of both", load, allowed, hits, times / 2);
  });
}

}  // namespace
}  // namespace robustness
