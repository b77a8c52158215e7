// The user of one controller, which runs commands and checks the results.
#pragma once

#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include "tests_d/muster/simulation/controller.h"
#include "tests_d/muster/simulation/machine.h"
#include "tests_d/muster/simulation/node.h"

namespace simulation {

// The plan of a run, which all of its users share.
struct RunProfile {
  bool isCalm = false;  // There are no faults, so every command ends soon and as its program says.
  bool diskFails = false;
  bool diskRots = false;
  bool movesFiles = false;
  int64_t leaseNs = 0;
};

// One command as its user sees it.
struct Operation {
  uint64_t token = 0;
  harness::JobRequest request;
  int64_t naturalNs = 0;  // Its duration if nothing holds it up.
  bool readsInput = false;
  uint64_t inputBytes = 0;
  bool wasStopped = false;  // A cancel was sent, so its outcome may be "cancelled".
  // The node's counts when the operation began.
  unsigned keeperKills = 0;
  unsigned keeperStarts = 0;
  unsigned boots = 0;
};

class SimulatedClient {
 public:
  // All arguments outlive the object.
  SimulatedClient(World& world, Machine& machine, Node& node, Controller& controller,
                  unsigned number, const RunProfile& profile);
  KJ_DISALLOW_COPY(SimulatedClient);

  // Makes one operation, of a kind that chance decides, to its end. Never rejects.
  kj::Promise<void> operateOne();

  // Checks that the simplest of commands works once no fault is left.
  kj::Promise<void> probe();

  // All operations so far.
  const std::vector<std::shared_ptr<Operation>>& operations() const { return operations_; }

  // Says that the session is being closed, by which commands may end.
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

  // Tells whether the keeper's longest silence reached the lease. The first byte of a frame ends
  // the silence, but only the last one renews the lease.
  bool leaseMayRunOut() const;

  // Says whether all output of a command must have arrived, or some of it may be missing.
  enum class Expected { kAll, kSome };

  void check(const Operation& operation, const muster::Result& result);
  void checkOutcome(const Operation& operation, const muster::Outcome& outcome);
  void checkLost(const Operation& operation, muster::LostReason reason);
  void checkEnding(const Operation& operation, const muster::Outcome& outcome);
  void checkOutput(const Operation& operation, const muster::Result& result);
  void checkStream(const Operation& operation, unsigned stream, const std::string& got,
                   uint64_t produced, uint64_t dropped, Expected expected);
  void checkFailure(const Operation& operation, const kj::Exception& exception, const char* what);
  void checkTiming(const Operation& operation, const muster::Result& result);
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
