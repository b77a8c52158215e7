#include "tests_d/muster/simulation/client.h"

#include <signal.h>

#include <algorithm>

#include "harness/rpc/failure.h"
#include "tests_d/muster/simulation/raw_order.h"
#include "tests_d/muster/simulation/transfer.h"

namespace simulation {
namespace {

constexpr int64_t kDrainNs = 200 * kMillisecond;  // The default of the schema.

}  // namespace

Customer::Customer(World& world, Machine& machine, Node& node, Controller& controller,
                   unsigned number, const Mood& mood)
    : world_(world),
      machine_(machine),
      node_(node),
      controller_(controller),
      number_(number),
      mood_(mood),
      nextToken_(uint64_t{number} * 1000 + 1) {}

Customer::OrderHandle Customer::makeOrder() {
  // Shared by the promises that work on it, and the list of all.
  auto order = std::make_shared<Order>();
  order->token = nextToken_++;
  // A connection may have lost its node, and not know it yet.
  order->keeperStarts = controller_.loop.route().keeperStarts();
  order->keeperKills = controller_.loop.route().keeperKills();
  order->boots = controller_.loop.route().boots();
  order->request.argv = {"simulated", std::to_string(order->token)};
  Random& random = world_.random();
  muster::RunOptions& options = order->request.options;
  options.deadline = std::chrono::nanoseconds(random.between(300, 4000) * kMillisecond);
  options.grace =
      std::chrono::nanoseconds(random.chance(15) ? 0 : random.between(20, 600) * kMillisecond);
  options.outputBytesMax = static_cast<uint64_t>(random.between(4096, 20000));
  if (random.chance(15)) options.errors = muster::Errors::kMerged;
  if (random.chance(20)) {
    options.overflow = std::vector<muster::Overflow>{
        muster::Overflow::kKeepHead, muster::Overflow::kKeepTail,
        muster::Overflow::kKill}[static_cast<size_t>(random.between(0, 2))];
  }
  makeProgram(*order);
  orders_.push_back(order);
  return order;
}

void Customer::makeProgram(Order& order) {
  Random& random = world_.random();
  Program& program = machine_.program(order.token);
  program.graceNs = order.request.options.grace.count();
  program.deadlineNs = order.request.options.deadline->count();
  machine_.life(order.token).mayDieHard = order.request.options.overflow == muster::Overflow::kKill;
  program.startNs = random.chance(20) ? random.between(0, 30) * kMillisecond : 0;
  order.naturalNs = program.startNs;
  order.readsInput = random.chance(30);
  if (order.readsInput) {
    order.inputBytes = static_cast<uint64_t>(random.between(0, 9000));
    if (random.chance(1)) order.inputBytes = 1'400'000;
    machine_.life(order.token).inputTotal = order.inputBytes;
  }
  auto count = random.between(1, 5);
  for (int64_t i = 0; i < count; ++i) {
    Action action;
    if (random.chance(60)) {
      action.kind = Action::Kind::kPrint;
      action.stream = random.chance(70) ? kOutput : kErrors;
      action.amount = static_cast<uint64_t>(random.chance(8) ? random.between(20'000, 90'000)
                                                             : random.between(0, 5000));
    } else {
      action.amount = static_cast<uint64_t>(random.between(0, 250) * kMillisecond);
      if (random.chance(5)) action.amount = 60 * kSecond;
      order.naturalNs += static_cast<int64_t>(action.amount);
    }
    program.actions.push_back(action);
  }
  if (order.readsInput) {
    auto at = random.between(0, static_cast<int64_t>(program.actions.size()));
    program.actions.insert(program.actions.begin() + at,
                           Action{Action::Kind::kRead, 0, UINT64_MAX});
  }
  makeEnding(program, order);
}

void Customer::makeEnding(Program& program, Order& order) {
  Random& random = world_.random();
  program.exitStatus = random.chance(50) ? 0 : static_cast<int>(random.between(1, 255));
  if (random.chance(8)) program.endsBySignal = SIGSEGV;
  if (random.chance(4)) program.startErrno = ENOENT;
  if (random.chance(2)) program.forkFails = true;
  if (program.startErrno != 0 || program.forkFails) world_.count(Event::kNotStarted);
  if (random.chance(25)) {
    program.onTerm = random.chance(50) ? OnTerm::kIgnore : OnTerm::kEndByItself;
    program.endByItselfNs = random.between(1, 300) * kMillisecond;
  }
  if (random.chance(10)) program.deathNs = random.between(1, 400) * kMillisecond;
  if (random.chance(10)) {
    program.leavesChild = true;
    world_.count(Event::kLeftRunning);
    program.childLifeNs = random.between(0, 3000) * kMillisecond;
    if (random.chance(20)) program.childLifeNs = 1000 * kSecond;
    if (random.chance(50))
      program.childPrintsBytes = static_cast<uint64_t>(random.between(1, 2000));
  }
  (void)order;
}

kj::Promise<void> Customer::orderOne() {
  OrderHandle order = makeOrder();
  auto kind = world_.random().between(0, 99);
  world_.note("order", order->token, static_cast<uint64_t>(kind));
  if (mood_.movesFiles && kind % 2 == 0) return moveFile(order);
  if (kind < 45) return runWhole(order);
  if (kind < 75) return startAndFollow(order);
  return readWhole(order);
}

kj::Promise<void> Customer::probe() {
  auto order = std::make_shared<Order>();  // As in makeOrder.
  order->token = nextToken_++;
  order->request.argv = {"simulated", std::to_string(order->token)};
  order->request.options.deadline = std::chrono::seconds(3);
  machine_.program(order->token).deadlineNs = 3 * kSecond;
  machine_.program(order->token).actions.push_back({Action::Kind::kPrint, kOutput, 100});
  return controller_.jobs.run(order->request, in(3 * kSecond))
      .then(
          [this, order](muster::Result&& result) {
            if (!result.succeeded() || result.out != patternOf(order->token, kOutput, 0, 100)) {
              violated("liveness", *order,
                       "a command after all faults: " + toString(result.outcome));
            }
          },
          [this, order](kj::Exception&& exception) {
            violated(
                "liveness", *order,
                std::string("a command after all faults: ") + harness::textOf(exception).cStr());
          });
}

kj::Promise<void> Customer::runWhole(OrderHandle order) {
  if (order->readsInput) {
    if (order->inputBytes == 0) {
      machine_.life(order->token).inputTotal = UINT64_MAX;
    } else {
      order->request.options.input =
          patternOf(order->token, kInput, 0, static_cast<size_t>(order->inputBytes));
      if (world_.random().chance(40)) order->request.input = harness::JobInput::kStream;
    }
  }
  int64_t allowed = order->request.options.deadline->count() +
                    (mood_.isCalm ? 5 * kSecond : world_.random().between(1, 5) * kSecond);
  auto result = kj::evalNow([&]() { return controller_.jobs.run(order->request, in(allowed)); });
  return settle(order, world_.nowNs() + allowed, kj::mv(result));
}

kj::Promise<void> Customer::startAndFollow(OrderHandle order) {
  if (order->readsInput || world_.random().chance(10)) {
    order->request.input = harness::JobInput::kStream;
  }
  int64_t allowed = order->request.options.deadline->count() +
                    (mood_.isCalm ? 5 * kSecond : world_.random().between(1, 5) * kSecond);
  auto until = in(allowed);
  harness::JobHandle job = controller_.jobs.make(order->request);
  world_.count(Event::kCommandStarted);
  auto result =
      controller_.jobs.start(job, until)
          .then([this, order, job, until]() {
            auto side = kj::joinPromises(kj::arr(feed(order, job), disturb(order, job)));
            return controller_.jobs.pull(job, harness::PullUntil::kEnded, until)
                .exclusiveJoin(side.then([]() -> kj::Promise<bool> { return kj::NEVER_DONE; }));
          })
          .then([this, job](bool ended) -> muster::Result {
            if (!ended) {
              kj::throwFatalException(
                  harness::failure(muster::NodeError::Kind::kTimeout, "not ended in time"));
            }
            controller_.jobs.release(job);
            return kj::mv(job->result);
          });
  return settle(order, world_.nowNs() + allowed, kj::mv(result));
}

kj::Promise<void> Customer::feed(OrderHandle order, harness::JobHandle job) {
  if (!order->readsInput) return kj::READY_NOW;
  world_.count(Event::kInputWritten);
  std::string bytes = patternOf(order->token, kInput, 0, static_cast<size_t>(order->inputBytes));
  size_t split = bytes.size() / 2;
  auto until = in(order->request.options.deadline->count());
  return controller_.jobs.writeInput(job, bytes.substr(0, split), false, until)
      .then([this, job, rest = bytes.substr(split), until]() {
        return controller_.jobs.writeInput(job, rest, true, until);
      })
      .catch_([this, order](kj::Exception&& exception) {
        // The command need not read before its deadline.
        if (harness::kindOf(exception) == muster::NodeError::Kind::kTimeout) return;
        judgeFailure(*order, exception, "write input");
      });
}

kj::Promise<void> Customer::disturb(OrderHandle order, harness::JobHandle job) {
  Random& random = world_.random();
  if (!random.chance(50)) return kj::READY_NOW;
  bool cancels = random.chance(60);
  int64_t graceNs = random.chance(40) ? 0 : random.between(1, 500) * kMillisecond;
  int number =
      std::vector<int>{SIGTERM, SIGKILL, SIGUSR1}[static_cast<size_t>(random.between(0, 2))];
  auto target = random.chance(50) ? muster::SignalTarget::kAll : muster::SignalTarget::kProcess;
  return world_.after(random.between(1, 600) * kMillisecond)
      .then([this, order, job, cancels, graceNs, number, target]() {
        auto until = in(2 * kSecond);
        if (job->ended) return kj::Promise<void>(kj::READY_NOW);
        if (cancels) {
          world_.noteAndCount(Event::kCancelled, order->token);
          order->wasStopped = true;
          if (graceNs < order->request.options.grace.count()) {
            machine_.life(order->token).mayDieHard = true;
          }
          return controller_.jobs.cancel(job, std::chrono::nanoseconds(graceNs), until);
        }
        world_.noteAndCount(Event::kSignalSent, order->token, static_cast<uint64_t>(number));
        if (number == SIGKILL) machine_.life(order->token).mayDieHard = true;
        machine_.life(order->token).mayDieEarly = true;
        return controller_.jobs.signal(job, number, target, until);
      })
      .catch_([this, order](kj::Exception&& exception) {
        judgeFailure(*order, exception, "cancel or signal");
      });
}

kj::Promise<void> Customer::readWhole(OrderHandle order) {
  auto raw = kj::heap<RawOrder>(*this, order, nextRawNumber_++);
  auto promise = raw->run();
  return promise.attach(kj::mv(raw));
}

kj::Promise<void> Customer::moveFile(OrderHandle order) {
  auto transfer = kj::heap<Transfer>(*this, order, node_.files());
  auto promise = transfer->run();
  return promise.attach(kj::mv(transfer));
}

// Judges the answer, whatever it is, and that it came in time.
kj::Promise<void> Customer::settle(OrderHandle order, int64_t untilNs,
                                   kj::Promise<muster::Result> result) {
  auto inTime = [this, order, untilNs]() {
    if (world_.nowNs() > untilNs + 250 * kMillisecond) {
      violated("I5", *order,
               "answered " + std::to_string(world_.nowNs() - untilNs) +
                   " ns after the time that was allowed");
    }
  };
  return result.then(
      [this, order, inTime](muster::Result&& answer) {
        inTime();
        world_.noteAndCount(Event::kCommandRun, order->token,
                            static_cast<uint64_t>(answer.outcome.kind()));
        judge(*order, answer);
      },
      [this, order, inTime](kj::Exception&& exception) {
        inTime();
        judgeFailure(*order, exception, "run");
      });
}

void Customer::violated(const char* invariant, const Order& order, const std::string& text) {
  world_.violated(invariant, "command " + std::to_string(order.token) + ": " + text);
}

void Customer::judge(const Order& order, const muster::Result& result) {
  if (result.stillEnding) return;  // What it came to is not claimed to be known.
  judgeOutcome(order, result.outcome);
  judgeOutput(order, result);
  judgePace(order, result);
}

void Customer::judgeOutcome(const Order& order, const muster::Outcome& outcome) {
  using Kind = muster::Outcome::Kind;
  const Program& program = machine_.program(order.token);
  const Life& life = machine_.life(order.token);
  switch (outcome.kind()) {
    case Kind::kExited:
    case Kind::kSignalled:
      if (life.executions != 1 && !(life.executions == 0 && life.mayDieEarly)) {
        violated("I2", order, "reported as ended, and was never executed");
      }
      return judgeEnding(order, outcome);
    case Kind::kNotStarted:
      if (life.executions != 0) violated("I6", order, "reported as not started, and was executed");
      if (program.startErrno != 0 && !program.forkFails &&
          outcome.errnoValue() != program.startErrno && !order.wasStopped && !closing_) {
        violated("I6", order, "another errno than the real one");
      }
      if (program.startErrno == 0 && !program.forkFails && !order.wasStopped && !closing_) {
        violated("I6", order, "reported as not started: " + outcome.text());
      }
      return;
    case Kind::kDeadline:
      world_.count(Event::kDeadlinePassed);
      return judgeEnding(order, outcome);
    case Kind::kCancelled:
      if (!order.wasStopped) violated("I6", order, "reported as cancelled, and nobody did");
      return judgeEnding(order, outcome);
    case Kind::kOutputLimit:
      world_.count(Event::kOutputLimit);
      if (order.request.options.overflow != muster::Overflow::kKill) {
        violated("I6", order, "killed for output that is not limited");
      }
      return judgeEnding(order, outcome);
    case Kind::kSessionEnded:
      if (!closing_ && !leaseMayRunOut()) {
        violated("I6", order, "ended with a session that goes on");
      }
      return judgeEnding(order, outcome);
    case Kind::kLost:
      return judgeLost(order, outcome.lostReason());
  }
}

bool Customer::leaseMayRunOut() const {
  return node_.longestSilenceNs(number_) + controller_.loop.route().frameMostNs() >= mood_.leaseNs;
}

void Customer::judgeLost(const Order& order, muster::LostReason reason) {
  using Reason = muster::LostReason;
  bool honest = false;
  switch (reason) {
    case Reason::kKeeperRestarted:
      world_.count(Event::kLostByRestart);
      honest = node_.keeperKills() > order.keeperKills;
      break;
    case Reason::kNodeRebooted:
      world_.count(Event::kLostByReboot);
      honest = node_.boots() > order.boots;
      break;
    case Reason::kSessionExpired:
      world_.count(Event::kLostByExpiry);
      honest = leaseMayRunOut();
      break;
    case Reason::kSupervisorKilled:
    case Reason::kRecordDamaged:
    case Reason::kUnspecified:
      break;
  }
  if (!honest) {
    violated("I6", order,
             "reported as lost because \"" + muster::toString(reason) + "\", which did not happen");
  }
}

// The status that is reported is the real one.
void Customer::judgeEnding(const Order& order, const muster::Outcome& outcome) {
  const Life& life = machine_.life(order.token);
  if (life.endedNs < 0) return violated("I6", order, "reported as ended, and runs");
  int status = life.exit.signalled ? -1 : life.exit.value;
  int signalNumber = life.exit.signalled ? life.exit.value : 0;
  if (outcome.exitStatus() != status || outcome.signal() != signalNumber) {
    violated("I6", order,
             "reported exit status " + std::to_string(outcome.exitStatus()) + " and signal " +
                 std::to_string(outcome.signal()) + ", really " + std::to_string(status) + " and " +
                 std::to_string(signalNumber));
  }
}

void Customer::judgeOutput(const Order& order, const muster::Result& result) {
  using Kind = muster::Outcome::Kind;
  const Program& program = machine_.program(order.token);
  Kind kind = result.outcome.kind();
  if (kind == Kind::kLost || kind == Kind::kNotStarted) return;
  // A child may print on, and a second stop need not wait for what the pipe holds.
  bool isWhole = !program.leavesChild && !order.wasStopped && !closing_ &&
                 kind != Kind::kOutputLimit && kind != Kind::kSessionEnded;
  judgeStream(order, kOutput, result.out, result.outProducedBytes, result.outDroppedBytes, isWhole);
  if (order.request.options.errors == muster::Errors::kMerged) return;
  judgeStream(order, kErrors, result.err, result.errProducedBytes, result.errDroppedBytes, isWhole);
}

void Customer::judgeStream(const Order& order, unsigned stream, const std::string& got,
                           uint64_t produced, uint64_t dropped, bool isWhole) {
  const Life& life = machine_.life(order.token);
  uint64_t printed = life.printed[stream];
  uint64_t kept = order.request.options.outputBytesMax;
  auto overflow = order.request.options.overflow;
  std::string name = stream == kOutput ? "output" : "errors";
  if (produced > printed) violated("I1", order, name + ": more bytes than were printed");
  if (isWhole && produced != printed) {
    violated("I1", order,
             name + ": " + std::to_string(produced) + " bytes reported of " +
                 std::to_string(printed) + " printed");
  }
  if (got.size() + dropped != produced && overflow != muster::Overflow::kKeepTail) {
    violated("I1", order,
             name + ": " + std::to_string(got.size()) + " bytes came and " +
                 std::to_string(dropped) + " were dropped, of " + std::to_string(produced));
  }
  uint64_t from = 0;
  size_t count = got.size();
  if (overflow == muster::Overflow::kKeepTail) {
    if (dropped > 0) world_.count(Event::kTailKept);
    if (got.size() + dropped < produced) violated("I1", order, name + ": bytes lost uncounted");
    if (dropped > 0 && produced <= kept && !mood_.diskFails) {
      violated("I1", order, name + ": dropped though it fits");
    }
    count = std::min<size_t>(count, mood_.diskFails ? 64 : kept);
    from = produced - count;
  } else if (overflow == muster::Overflow::kKeepHead) {
    if (dropped > 0) world_.count(Event::kHeadKept);
    if (!mood_.diskFails && isWhole && got.size() != std::min(printed, kept)) {
      violated("I1", order, name + ": not the whole head was kept");
    }
  } else if (overflow == muster::Overflow::kBlock && dropped > 0 && isWhole && mood_.isCalm &&
             life.killedNs < 0 && life.termedNs < 0) {
    violated("I1", order, name + ": dropped though it may wait");
  }
  // Without its first bytes a stream has no digest, and what a disk does to it stays unseen.
  if (mood_.diskRots && dropped > 0) return;
  if (patternOf(order.token, stream, from, count) != got.substr(got.size() - count)) {
    violated("I1", order, name + ": other bytes than were printed");
  }
}

// With nothing in its way, a command ends as its program says, and is reported at once.
void Customer::judgePace(const Order& order, const muster::Result& result) {
  if (!mood_.isCalm || closing_) return;
  const Life& life = machine_.life(order.token);
  auto kind = result.outcome.kind();
  int64_t allowed = result.deadline.count();
  if (kind == muster::Outcome::Kind::kDeadline && order.naturalNs + kSecond / 4 < allowed) {
    violated("I3", order, "killed at its deadline with nothing to wait for");
  }
  if (life.endedNs >= 0) {
    int64_t late = world_.nowNs() - life.endedNs - kDrainNs;
    if (late > kSecond / 2) {
      violated("I3", order, "its end was reported " + std::to_string(late) + " ns late");
    }
  }
}

void Customer::judgeFailure(const Order& order, const kj::Exception& exception, const char* what) {
  using Kind = muster::NodeError::Kind;
  Kind kind = harness::kindOf(exception);
  world_.note("failed", order.token, static_cast<uint64_t>(kind));
  bool fine = false;
  switch (kind) {
    case Kind::kTimeout:
      world_.count(Event::kLateAnswer);
      fine = !mood_.isCalm;
      break;
    case Kind::kUnreachable:
      world_.count(Event::kNoConnection);
      fine = !mood_.isCalm || closing_;
      break;
    case Kind::kLost:
      fine = closing_ || node_.keeperStarts() > order.keeperStarts || leaseMayRunOut();
      break;
    case Kind::kCorrupt:
      fine = mood_.diskRots;
      break;
    default:
      break;
  }
  if (!fine) {
    violated("I3", order, std::string(what) + " failed: " + harness::textOf(exception).cStr());
  }
}

}  // namespace simulation
