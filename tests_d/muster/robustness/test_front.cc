// F1 and F19: the front is killed with SIGKILL at random moments, and started again.
//
// No call that was under way may be lost, done twice, or reported as failed.
#include "tests_d/muster/robustness/component.h"
#include "tests_d/muster/robustness/stream.h"

namespace robustness {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using Part = Agent::Part;

class FrontFaultTest : public FaultTest {
 protected:
  // Kills and starts the front `times` times, at random moments of `load`. Returns how many kills
  // met a call.
  size_t killAtRandom(Load& load, size_t times) {
    size_t hits = 0;
    for (size_t trial = 0; trial < times; ++trial) {
      letPass(drawn(60ms));
      if (load.inFlight() > 0) ++hits;
      agent().kill(Part::kFront);
      agent().start(Part::kFront);
      auto before = steady_clock::now();
      EXPECT_TRUE(load.awaitProgress(1, 20s)) << "nothing returned after kill " << trial;
      resumed.push_back(steady_clock::now() - before);
      if (HasFailure()) break;
    }
    return hits;
  }

  std::vector<nanoseconds> resumed;
};

// The front holds no state of sessions, so its death is a lost connection and nothing more.
TEST_F(FrontFaultTest, FrontKilledAtRandomMomentsLosesNothing) {
  untilMet([&] {
    startAgent();
    Load load(connect(), loadOptions());
    ASSERT_TRUE(load.awaitProgress(5, 20s));
    size_t times = trials(60, 1);
    size_t hits = killAtRandom(load, times);
    evaluate("F1 " + std::to_string(times) + " kills of the front", load, {}, hits, times * 9 / 10);
    std::printf("F1 first answer after the restart: p50 %s, p99 %s\n",
                toText(percentile(resumed, 50)).c_str(), toText(percentile(resumed, 99)).c_str());
  });
}

// One long output crosses many connections. The check sums show a byte that is lost or repeated.
TEST_F(FrontFaultTest, OutputContinuesAtTheExactByteOverManyKills) {
  startAgent();
  connect();
  std::string name = tag_ + ".long";
  muster::Process process = node().start(streamArgv(name, 4000, 300), tagged());
  for (int kills = 0; kills < 8; ++kills) {
    process.readLine(10s);
    letPass(drawn(100ms));
    ASSERT_TRUE(process.running());
    agent().kill(Part::kFront);
    agent().start(Part::kFront);
  }
  muster::Result result = process.wait(60s);
  EXPECT_EQ(result.outcome, muster::Outcome::exited(0));
  EXPECT_EQ(streamFlaw(name, 4000, result.out, Extent::kWhole), "");
}

// Input that was sent again after a lost connection must not reach the command twice.
TEST_F(FrontFaultTest, InputArrivesOnceOverKills) {
  startAgent();
  connect();
  muster::Process process = node().start({"cat"}, tagged());
  std::string sent;
  for (uint64_t line = 0; line < 200; ++line) {
    if (line % 40 == 20) {
      agent().kill(Part::kFront);
      agent().start(Part::kFront);
    }
    std::string text = streamLine("in", line);
    process.write(text);
    sent += text;
  }
  process.closeInput();
  muster::Result result = process.wait(30s);
  EXPECT_EQ(streamFlaw("in", 200, result.out, Extent::kWhole), "");
}

// A stopped process keeps its connections open, so the controller must notice by itself.
TEST_F(FrontFaultTest, StoppedFrontOrKeeperIsNoticedAndLosesNothing) {
  untilMet([&] {
    startAgent();
    Load load(connect(), loadOptions());
    size_t times = trials(6, 0.025), hits = 0;
    std::vector<nanoseconds> noticed;
    for (size_t trial = 0; trial < times; ++trial) {
      ASSERT_TRUE(load.awaitProgress(3, 20s));
      if (load.inFlight() > 0) ++hits;
      Part part = trial % 2 ? Part::kKeeper : Part::kFront;
      auto before = steady_clock::now();
      agent().signal(part, SIGSTOP);
      // Short stops pass unnoticed; long ones must be noticed.
      if (trial % 3 == 2) {
        letPass(drawn(300ms));
      } else {
        EXPECT_NO_THROW(node().awaitDisconnected(5s));
        noticed.push_back(steady_clock::now() - before);
      }
      agent().signal(part, SIGCONT);
    }
    ASSERT_TRUE(load.awaitProgress(3, 20s));
    evaluate("F5 " + std::to_string(times) + " stops of front or keeper", load, {}, hits,
             times / 2);
    std::printf("F5 noticed after (heartbeat 200 ms, 600 ms to answer): p99 %s\n",
                toText(percentile(noticed, 99)).c_str());
  });
}

}  // namespace
}  // namespace robustness
