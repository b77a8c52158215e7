// What one controller's user does with its commands, and the judgement of what came back.
#pragma once

#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include "tests_d/muster/simulation/controller.h"
#include "tests_d/muster/simulation/machine.h"
#include "tests_d/muster/simulation/node.h"

namespace simulation {

// How a run as a whole is meant to go; the same for all of its users.
struct RunProfile {
  bool isCalm = false;  // No faults: every command ends as its program says, and soon.
  bool diskFails = false;
  bool diskRots = false;
  bool movesFiles = false;
  int64_t leaseNs = 0;
};

// One command as its user sees it.
struct Operation {
  uint64_t token = 0;
  harness::JobRequest request;
  int64_t naturalNs = 0;  // How long it takes if nothing holds it up.
  bool readsInput = false;
  uint64_t inputBytes = 0;
  bool wasStopped = false;  // A cancel was sent; its outcome may be that.
  unsigned keeperKills = 0;
  unsigned keeperStarts = 0;  // As of the operation.
  unsigned boots = 0;
};

class SimulatedClient {
 public:
  // Everything outlives it.
  SimulatedClient(World& world, Machine& machine, Node& node, Controller& controller,
                  unsigned number, const RunProfile& profile);
  KJ_DISALLOW_COPY(SimulatedClient);

  // Orders one command, of a kind that chance decides, and sees it through. Never rejects.
  kj::Promise<void> operateOne();

  // Once no fault is left, the simplest of commands must work.
  kj::Promise<void> probe();

  // The operations that were begun.
  const std::vector<std::shared_ptr<Operation>>& operations() const { return operations_; }

  // The session is being closed: commands may end by that.
  void setClosing() { closing_ = true; }

 private:
  using OperationHandle = std::shared_ptr<Operation>;
  struct Watched;

  OperationHandle makeOperation();
  void makeProgram(Operation& operation);
  void makeEnding(Program& program, Operation& operation);
  kj::Promise<void> runWhole(OperationHandle operation);
  kj::Promise<void> startAndFollow(OperationHandle operation);
  kj::Promise<void> disturb(OperationHandle operation, harness::JobHandle job);
  kj::Promise<void> feed(OperationHandle operation, harness::JobHandle job);
  kj::Promise<void> readWhole(OperationHandle operation);
  kj::Promise<void> moveFile(OperationHandle operation);
  kj::Promise<void> settle(OperationHandle operation, int64_t untilNs,
                           kj::Promise<muster::Result> result);

  // Whether the keeper heard nothing for a lease. A frame renews the lease when its last byte is
  // there, and the first ends the silence.
  bool leaseMayRunOut() const;

  // Whether all that a command printed must have arrived, or some of it may be missing.
  enum class Expected { kAll, kSome };

  void judge(const Operation& operation, const muster::Result& result);
  void judgeOutcome(const Operation& operation, const muster::Outcome& outcome);
  void judgeLost(const Operation& operation, muster::LostReason reason);
  void judgeEnding(const Operation& operation, const muster::Outcome& outcome);
  void judgeOutput(const Operation& operation, const muster::Result& result);
  void judgeStream(const Operation& operation, unsigned stream, const std::string& got,
                   uint64_t produced, uint64_t dropped, Expected expected);
  void judgeFailure(const Operation& operation, const kj::Exception& exception, const char* what);
  void judgePace(const Operation& operation, const muster::Result& result);
  void violated(const char* invariant, const Operation& operation, const std::string& text);

  muster::SteadyTime in(int64_t ns) {
    return controller_.loop.now() + std::chrono::nanoseconds(ns);
  }

  friend class RawCalls;
  friend class RawOperation;
  friend class Transfer;

  World& world_;
  Machine& machine_;
  Node& node_;
  Controller& controller_;
  unsigned number_;
  const RunProfile& profile_;
  bool closing_ = false;
  uint64_t nextToken_;
  uint64_t nextRawNumber_ = 1'000'000;
  std::vector<OperationHandle> operations_;
};

}  // namespace simulation
