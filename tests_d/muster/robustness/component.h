// What every fault trial starts from: how many, with which seed, and a fixture with a real agent, a
// real controller and a look at what is left when it is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <muster/muster.h>

#include "harness/api/access.h"
#include "harness/rpc/controller.h"
#include "tests_d/muster/robustness/agent.h"
#include "tests_d/muster/robustness/history.h"
#include "tests_d/muster/robustness/load.h"
#include "tests_d/muster/robustness/residue.h"

namespace faults {

// MUSTER_FAULT_SEED, or a random one; printed once.
uint64_t seed();

// How many trials: `usual` without MUSTER_FAULT_TRIALS; with it, that many times `share`, at least
// one. A share of 1 is for the cheapest trials.
size_t trials(size_t usual, double share);

class FaultTest : public ::testing::Test {
 protected:
  FaultTest();
  ~FaultTest() override;

  // Skips where we are not root: the trials mount, kill and group.
  void SetUp() override;

  // Ends the agent and expects that nothing of the trial is left: see residue.h.
  void TearDown() override;

  Agent& startAgent(Agent::Options options = {});
  Agent& agent() { return *agent_; }

  // Connects, by the agent's unix socket, or by TCP to `address` such as a FaultProxy's. Short
  // heartbeats, so that a trial takes seconds: ping each 200 ms, 600 ms to answer.
  harness::ControllerNode& connect(const std::string& address = "",
                                   const std::string& networkNamespace = "");
  harness::ControllerNode& connect(const harness::NodeDescription& description);
  harness::ControllerNode& controllerNode() { return *controllerNode_; }
  muster::Node node() { return harness::ApiAccess::node(*controllerNode_); }

  // Ends the session in order.
  void disconnect();

  LoadOptions loadOptions();
  harness::ControllerOptions controllerOptions;

  // Of an agent with a network of its own: the kernel drops so many of a hundred packets, of either
  // direction.
  void losePackets(int percent);

  // Uniform, from zero to `most`, of this test's own generator.
  std::chrono::nanoseconds drawn(std::chrono::nanoseconds most);
  uint64_t drawn(uint64_t below) { return random_() % below; }

  // Runs `trial`, which begins with startAgent(), and again with a new agent in a new directory
  // while judge() finds it void. Void three times is a failure: a trial that never meets its faults
  // says nothing. What it checks besides fails at once.
  void untilMet(const std::function<void()>& trial);

  // Judges what happened, and prints the figures with `title`. A trial during which fewer than
  // `hitsMin` faults met a call, or hardly any command ran, is void: see untilMet().
  void judge(const std::string& title, Load& load, Allowed allowed, size_t hits, size_t hitsMin);

  // No process of this trial lives; the second form waits for it. See residue.h.
  bool nothingRuns() const { return noneLeft(std::chrono::nanoseconds(0)); }
  bool noneLeft(std::chrono::nanoseconds within) const;

  muster::RunOptions tagged() const;
  muster::Argv streamArgv(const std::string& name, uint64_t lines, long pauseUs) const;
  muster::Argv escapeArgv(const std::string& kind, const std::string& name) const;

  // Of this test's faults; another for each attempt of untilMet().
  uint64_t attemptSeed() const { return seed() + attempt_; }

  std::string directory_;
  std::string tag_;
  std::mt19937_64 random_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<harness::Controller> controller_;
  harness::ControllerNode* controllerNode_ = nullptr;
  bool closed_ = false;  // The session was ended in order.
  uint64_t attempt_ = 0;
  size_t keeperIdleBytes_ = 0;  // Resident, as soon as it served.
  size_t frontIdleBytes_ = 0;
  std::string void_;  // Why the last trial says nothing; fails the test at its end.

 private:
  void begin();
  void end();
};

// "31 ms"
std::string toText(std::chrono::nanoseconds time);

}  // namespace faults
