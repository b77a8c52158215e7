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
struct Mood {
  bool isCalm = false;  // No faults: every command ends as its program says, and soon.
  bool diskFails = false;
  bool diskRots = false;
  bool movesFiles = false;
  int64_t leaseNs = 0;
};

// One command as its user sees it.
struct Order {
  uint64_t token = 0;
  harness::JobRequest request;
  int64_t naturalNs = 0;  // How long it takes if nothing holds it up.
  bool readsInput = false;
  uint64_t inputBytes = 0;
  bool wasStopped = false;  // A cancel was sent; its outcome may be that.
  unsigned keeperKills = 0;
  unsigned keeperStarts = 0;  // As of the order.
  unsigned boots = 0;
};

class Customer {
 public:
  // Everything outlives it.
  Customer(World& world, Machine& machine, Node& node, Controller& controller, unsigned number,
           const Mood& mood);
  KJ_DISALLOW_COPY(Customer);

  // Orders one command, of a kind that chance decides, and sees it through. Never rejects.
  kj::Promise<void> orderOne();

  // Once no fault is left, the simplest of commands must work.
  kj::Promise<void> probe();

  // Of all orders so far.
  const std::vector<std::shared_ptr<Order>>& orders() const { return orders_; }

  // The session is being closed: commands may end by that.
  void setClosing() { closing_ = true; }

 private:
  using OrderHandle = std::shared_ptr<Order>;
  struct Watched;

  OrderHandle makeOrder();
  void makeProgram(Order& order);
  void makeEnding(Program& program, Order& order);
  kj::Promise<void> runWhole(OrderHandle order);
  kj::Promise<void> startAndFollow(OrderHandle order);
  kj::Promise<void> disturb(OrderHandle order, harness::JobHandle job);
  kj::Promise<void> feed(OrderHandle order, harness::JobHandle job);
  kj::Promise<void> readWhole(OrderHandle order);
  kj::Promise<void> moveFile(OrderHandle order);
  kj::Promise<void> settle(OrderHandle order, int64_t untilNs, kj::Promise<muster::Result> result);

  // Whether the keeper heard nothing for so long. A frame renews the lease when its last byte is
  // there, and the first ends the silence.
  bool leaseMayRunOut() const;

  void judge(const Order& order, const muster::Result& result);
  void judgeOutcome(const Order& order, const muster::Outcome& outcome);
  void judgeLost(const Order& order, muster::LostReason reason);
  void judgeEnding(const Order& order, const muster::Outcome& outcome);
  void judgeOutput(const Order& order, const muster::Result& result);
  void judgeStream(const Order& order, unsigned stream, const std::string& got, uint64_t produced,
                   uint64_t dropped, bool isWhole);
  void judgeFailure(const Order& order, const kj::Exception& exception, const char* what);
  void judgePace(const Order& order, const muster::Result& result);
  void violated(const char* invariant, const Order& order, const std::string& text);

  muster::SteadyTime in(int64_t ns) {
    return controller_.loop.now() + std::chrono::nanoseconds(ns);
  }

  friend class RawCalls;
  friend class RawOrder;
  friend class Transfer;

  World& world_;
  Machine& machine_;
  Node& node_;
  Controller& controller_;
  unsigned number_;
  const Mood& mood_;
  bool closing_ = false;
  uint64_t nextToken_;
  uint64_t nextRawNumber_ = 1'000'000;
  std::vector<OrderHandle> orders_;
};

}  // namespace simulation
