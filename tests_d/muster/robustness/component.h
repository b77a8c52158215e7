// The fixture of every fault trial, with a real agent and a real controller.
//
// It says how many trials to make and with which seed, and checks at the end that nothing is left.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/muster.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"
#include "tests_d/muster/robustness/agent.h"
#include "tests_d/muster/robustness/history.h"
#include "tests_d/muster/robustness/load.h"
#include "tests_d/muster/robustness/loop_watch.h"
#include "tests_d/muster/robustness/residue.h"

namespace robustness {

// The seed of MUSTER_FAULT_SEED, or a random one. It is printed once.
uint64_t seed();

// The number of trials to make: `usual` without MUSTER_FAULT_TRIALS, and else its value times
// `share`, at least one. The cheapest trials have a share of 1.
size_t trials(size_t usual, double share);

class FaultTest : public ::testing::Test {
 protected:
  FaultTest();
  ~FaultTest() override;

  // Skips without root, because trials mount file systems and make control groups.
  void SetUp() override;

  // Ends the agent and expects that nothing of the trial is left (residue.h), and that no turn of
  // the keeper's loop took too long (loop_watch.h).
  void TearDown() override;

  Agent& startAgent(Agent::Options options = {});
  Agent& agent() { return *agent_; }

  // Connects by the agent's unix socket, or by TCP to `address`, such as a FaultProxy's. Heartbeats
  // are short, so that a trial takes seconds: a ping each 200 ms has 600 ms to be answered.
  harness::ControllerNode& connect(const std::string& address = "",
                                   const std::string& networkNamespace = "");
  harness::ControllerNode& connect(const harness::NodeDescription& description);
  harness::ControllerNode& controllerNode() { return *controllerNode_; }
  muster::Node node() { return harness::ApiAccess::node(*controllerNode_); }

  // Ends the session in order.
  void disconnect();

  LoadOptions loadOptions();
  harness::ControllerOptions controllerOptions;

  // Lets the kernel drop `percent` of a hundred packets of either direction. The agent must have a
  // network of its own.
  void losePackets(int percent);

  // Draws a uniform number from zero to `most`, both included, from this test's own generator.
  std::chrono::nanoseconds drawn(std::chrono::nanoseconds most);
  uint64_t drawn(uint64_t below) { return random_() % below; }

  // Runs `trial`, which begins with startAgent(), and repeats it with a new agent in a new
  // directory while evaluate() finds it void. The test fails when three attempts were void, because
  // a trial that never meets its faults says nothing. Other expectations of `trial` fail at once.
  void untilMet(const std::function<void()>& trial);

  // Expects that the history of `load` keeps the invariants, and prints its figures with `title`.
  // The trial is void (see untilMet()) if fewer than `hitsMin` faults met a call, or if hardly any
  // command ran.
  void evaluate(const std::string& title, Load& load, Allowed allowed, size_t hits, size_t hitsMin);

  // Tells whether no process of this trial lives (residue.h). The second form waits for that.
  bool nothingRuns() const { return noneLeft(std::chrono::nanoseconds(0)); }
  bool noneLeft(std::chrono::nanoseconds within) const;

  muster::RunOptions tagged() const;
  muster::Argv streamArgv(const std::string& name, uint64_t lines, long pauseUs) const;
  muster::Argv escapeArgv(const std::string& tactic, const std::string& name) const;

  // The seed of this test's faults, another one for each attempt of untilMet().
  uint64_t attemptSeed() const { return seed() + attempt_; }

  std::string directory_;
  std::string tag_;
  std::mt19937_64 random_;
  std::unique_ptr<LoopWatch> loop_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<harness::Controller> controller_;
  harness::ControllerNode* controllerNode_ = nullptr;
  bool closed_ = false;  // disconnect() was called since the last connect().
  uint64_t attempt_ = 0;
  size_t keeperIdleBytes_ = 0;  // Resident memory right after the start.
  size_t frontIdleBytes_ = 0;

  // A keeper's control group is named after its node. Others of that name may be there before.
  std::string groupPrefix_;
  std::set<std::string> groupsBefore_;
  std::string void_;  // Why the last trial was void. Not empty at the end, it fails the test.

 private:
  void begin();
  void end();
};

// Writes a duration as "31 ms".
std::string toText(std::chrono::nanoseconds time);

}  // namespace robustness
