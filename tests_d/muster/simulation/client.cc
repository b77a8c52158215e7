#include "tests_d/muster/simulation/client.h"

#include <signal.h>

#include <algorithm>

#include "harness/rpc/failure.h"
#include "tests_d/muster/simulation/raw_operation.h"
#include "tests_d/muster/simulation/transfer.h"

namespace simulation {
namespace {

// The default of the schema.
constexpr int64_t kDrainNs = 200 * kMillisecond;

harness::SharedRequest shared(const Operation& operation) {
  return std::make_shared<const harness::JobRequest>(operation.request);
}

harness::SharedBytes shared(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

}  // namespace

SimulatedClient::SimulatedClient(World& world, Machine& machine, Node& node, Controller& controller,
                                 unsigned number, const RunProfile& profile)
    : world_(world),
      machine_(machine),
      node_(node),
      controller_(controller),
      number_(number),
      profile_(profile),
      nextToken_(uint64_t{number} * 1000 + 1) {}

SimulatedClient::OperationHandle SimulatedClient::makeOperation() {
  // The promises that work on an operation share it with the list of all operations.
  auto operation = std::make_shared<Operation>();
  operation->token = nextToken_++;
  // The counts are those of the last connection, which may have lost its node without knowing it.
  operation->keeperStarts = controller_.loop.route().keeperStarts();
  operation->keeperKills = controller_.loop.route().keeperKills();
  operation->boots = controller_.loop.route().boots();
  operation->request.argv = {"simulated", std::to_string(operation->token)};
  Random& random = world_.random();
  muster::RunOptions& options = operation->request.options;
  options.deadline = std::chrono::nanoseconds(random.between(300, 4000) * kMillisecond);
  options.grace =
      std::chrono::nanoseconds(random.chance(15) ? 0 : random.between(20, 600) * kMillisecond);
  options.outputBytesMax = static_cast<uint64_t>(random.between(4096, 20000));
  if (random.chance(15)) options.stderrTo = muster::StderrTo::kStdout;
  if (random.chance(20)) {
    options.overflow = std::vector<muster::OutputOverflow>{
        muster::OutputOverflow::kKeepHead, muster::OutputOverflow::kKeepTail,
        muster::OutputOverflow::kKill}[static_cast<size_t>(random.between(0, 2))];
  }
  makeProgram(*operation);
  operations_.push_back(operation);
  return operation;
}

void SimulatedClient::makeProgram(Operation& operation) {
  Random& random = world_.random();
  Program& program = machine_.program(operation.token);
  program.graceNs = operation.request.options.grace.count();
  program.deadlineNs = operation.request.options.deadline->count();
  machine_.life(operation.token).mayDieHard =
      operation.request.options.overflow == muster::OutputOverflow::kKill;
  program.startNs = random.chance(20) ? random.between(0, 30) * kMillisecond : 0;
  operation.naturalNs = program.startNs;
  operation.readsInput = random.chance(30);
  if (operation.readsInput) {
    operation.inputBytes = static_cast<uint64_t>(random.between(0, 9000));
    if (random.chance(1)) operation.inputBytes = 1'400'000;
    machine_.life(operation.token).inputTotal = operation.inputBytes;
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
      operation.naturalNs += static_cast<int64_t>(action.amount);
    }
    program.actions.push_back(action);
  }
  if (operation.readsInput) {
    auto at = random.between(0, static_cast<int64_t>(program.actions.size()));
    program.actions.insert(program.actions.begin() + at,
                           Action{Action::Kind::kRead, 0, UINT64_MAX});
  }
  makeEnding(program, operation);
}

void SimulatedClient::makeEnding(Program& program, Operation& operation) {
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
  (void)operation;
}

kj::Promise<void> SimulatedClient::operateOne() {
  OperationHandle operation = makeOperation();
  auto kind = world_.random().between(0, 99);
  world_.note("operation", operation->token, static_cast<uint64_t>(kind));
  if (profile_.movesFiles && kind % 2 == 0) return moveFile(operation);
  if (kind < 45) return runWhole(operation);
  if (kind < 75) return startAndFollow(operation);
  return readWhole(operation);
}

kj::Promise<void> SimulatedClient::probe() {
  auto operation = std::make_shared<Operation>();
  operation->token = nextToken_++;
  operation->request.argv = {"simulated", std::to_string(operation->token)};
  operation->request.options.deadline = std::chrono::seconds(3);
  machine_.program(operation->token).deadlineNs = 3 * kSecond;
  machine_.program(operation->token).actions.push_back({Action::Kind::kPrint, kOutput, 100});
  return controller_.jobs.run(shared(*operation), in(3 * kSecond))
      .then(
          [this, operation](muster::Result&& result) {
            if (!result.succeeded() || result.out != patternOf(operation->token, kOutput, 0, 100)) {
              violated("liveness", *operation,
                       "a command after all faults: " + toString(result.outcome));
            }
          },
          [this, operation](kj::Exception&& exception) {
            violated(
                "liveness", *operation,
                std::string("a command after all faults: ") + harness::textOf(exception).cStr());
          });
}

kj::Promise<void> SimulatedClient::runWhole(OperationHandle operation) {
  if (operation->readsInput) {
    if (operation->inputBytes == 0) {
      machine_.life(operation->token).inputTotal = UINT64_MAX;
    } else {
      operation->request.options.input =
          patternOf(operation->token, kInput, 0, static_cast<size_t>(operation->inputBytes));
      if (world_.random().chance(40)) operation->request.input = harness::JobInput::kStream;
    }
  }
  int64_t allowed = operation->request.options.deadline->count() +
                    (profile_.isCalm ? 5 * kSecond : world_.random().between(1, 5) * kSecond);
  auto result =
      kj::evalNow([&]() { return controller_.jobs.run(shared(*operation), in(allowed)); });
  return settle(operation, world_.nowNs() + allowed, kj::mv(result));
}

kj::Promise<void> SimulatedClient::startAndFollow(OperationHandle operation) {
  if (operation->readsInput || world_.random().chance(10)) {
    operation->request.input = harness::JobInput::kStream;
  }
  int64_t allowed = operation->request.options.deadline->count() +
                    (profile_.isCalm ? 5 * kSecond : world_.random().between(1, 5) * kSecond);
  auto until = in(allowed);
  harness::JobHandle job = controller_.jobs.make(shared(*operation));
  world_.count(Event::kCommandStarted);
  auto result =
      controller_.jobs.start(job, until)
          .then([this, operation, job, until]() {
            auto side = kj::joinPromises(kj::arr(feed(operation, job), disturb(operation, job)));
            return controller_.jobs.pull(job, harness::PullUntil::kEnded, until)
                .exclusiveJoin(side.then([]() -> kj::Promise<bool> { return kj::NEVER_DONE; }));
          })
          .then([this, job](bool ended) -> muster::Result {
            if (!ended) {
              kj::throwFatalException(
                  support::failure(wire::Error::Kind::TIMEOUT, "not ended in time"));
            }
            controller_.jobs.release(job);
            return kj::mv(job->result);
          });
  return settle(operation, world_.nowNs() + allowed, kj::mv(result));
}

kj::Promise<void> SimulatedClient::feed(OperationHandle operation, harness::JobHandle job) {
  if (!operation->readsInput) return kj::READY_NOW;
  world_.count(Event::kInputWritten);
  std::string bytes =
      patternOf(operation->token, kInput, 0, static_cast<size_t>(operation->inputBytes));
  size_t split = bytes.size() / 2;
  auto until = in(operation->request.options.deadline->count());
  return controller_.jobs
      .writeInput(job, shared(bytes.substr(0, split)), harness::AfterInput::kStaysOpen, until)
      .then([this, job, rest = shared(bytes.substr(split)), until]() {
        return controller_.jobs.writeInput(job, rest, harness::AfterInput::kEnds, until);
      })
      .catch_([this, operation](kj::Exception&& exception) {
        // The command may leave its input unread until its deadline.
        if (harness::kindOf(exception) == muster::NodeError::Kind::kTimeout) return;
        checkFailure(*operation, exception, "write input");
      });
}

kj::Promise<void> SimulatedClient::disturb(OperationHandle operation, harness::JobHandle job) {
  Random& random = world_.random();
  if (!random.chance(50)) return kj::READY_NOW;
  bool cancels = random.chance(60);
  int64_t graceNs = random.chance(40) ? 0 : random.between(1, 500) * kMillisecond;
  int number =
      std::vector<int>{SIGTERM, SIGKILL, SIGUSR1}[static_cast<size_t>(random.between(0, 2))];
  auto target = random.chance(50) ? muster::SignalTarget::kAll : muster::SignalTarget::kProcess;
  return world_.after(random.between(1, 600) * kMillisecond)
      .then([this, operation, job, cancels, graceNs, number, target]() {
        auto until = in(2 * kSecond);
        if (job->ended) return kj::Promise<void>(kj::READY_NOW);
        if (cancels) {
          world_.noteAndCount(Event::kCancelled, operation->token);
          operation->wasStopped = true;
          if (graceNs < operation->request.options.grace.count()) {
            machine_.life(operation->token).mayDieHard = true;
          }
          return controller_.jobs.cancel(job, std::chrono::nanoseconds(graceNs), until);
        }
        world_.noteAndCount(Event::kSignalSent, operation->token, static_cast<uint64_t>(number));
        if (number == SIGKILL) machine_.life(operation->token).mayDieHard = true;
        machine_.life(operation->token).mayDieEarly = true;
        return controller_.jobs.signal(job, number, target, until);
      })
      .catch_([this, operation](kj::Exception&& exception) {
        checkFailure(*operation, exception, "cancel or signal");
      });
}

kj::Promise<void> SimulatedClient::readWhole(OperationHandle operation) {
  auto raw = kj::heap<RawOperation>(*this, operation, nextRawNumber_++);
  auto promise = raw->run();
  return promise.attach(kj::mv(raw));
}

kj::Promise<void> SimulatedClient::moveFile(OperationHandle operation) {
  auto transfer = kj::heap<Transfer>(*this, operation, node_.files());
  auto promise = transfer->run();
  return promise.attach(kj::mv(transfer));
}

// Checks the answer, result or failure, and that it came in time.
kj::Promise<void> SimulatedClient::settle(OperationHandle operation, int64_t untilNs,
                                          kj::Promise<muster::Result> result) {
  auto inTime = [this, operation, untilNs]() {
    if (world_.nowNs() > untilNs + 250 * kMillisecond) {
      violated("I5", *operation,
               "answered " + std::to_string(world_.nowNs() - untilNs) +
                   " ns after the time that was allowed");
    }
  };
  return result.then(
      [this, operation, inTime](muster::Result&& answer) {
        inTime();
        world_.noteAndCount(Event::kCommandRun, operation->token,
                            static_cast<uint64_t>(answer.outcome.kind()));
        check(*operation, answer);
      },
      [this, operation, inTime](kj::Exception&& exception) {
        inTime();
        checkFailure(*operation, exception, "run");
      });
}

void SimulatedClient::violated(const char* invariant, const Operation& operation,
                               const std::string& text) {
  world_.violated(invariant, "command " + std::to_string(operation.token) + ": " + text);
}

void SimulatedClient::check(const Operation& operation, const muster::Result& result) {
  // The result of a command that is still ending is not known yet, and not claimed to be.
  if (result.stillEnding) return;
  checkOutcome(operation, result.outcome);
  checkOutput(operation, result);
  checkTiming(operation, result);
}

void SimulatedClient::checkOutcome(const Operation& operation, const muster::Outcome& outcome) {
  using Kind = muster::Outcome::Kind;
  const Program& program = machine_.program(operation.token);
  const Life& life = machine_.life(operation.token);
  switch (outcome.kind()) {
    case Kind::kExited:
    case Kind::kSignalled:
      if (life.executions != 1 && !(life.executions == 0 && life.mayDieEarly)) {
        violated("I2", operation, "reported as ended, and was never executed");
      }
      return checkEnding(operation, outcome);
    case Kind::kNotStarted:
      if (life.executions != 0)
        violated("I6", operation, "reported as not started, and was executed");
      if (program.startErrno != 0 && !program.forkFails &&
          outcome.errnoValue() != program.startErrno && !operation.wasStopped && !closing_) {
        violated("I6", operation, "another errno than the real one");
      }
      if (program.startErrno == 0 && !program.forkFails && !operation.wasStopped && !closing_) {
        violated("I6", operation, "reported as not started: " + outcome.text());
      }
      return;
    case Kind::kDeadline:
      world_.count(Event::kDeadlinePassed);
      return checkEnding(operation, outcome);
    case Kind::kCancelled:
      if (!operation.wasStopped) violated("I6", operation, "reported as cancelled, and nobody did");
      return checkEnding(operation, outcome);
    case Kind::kOutputLimit:
      world_.count(Event::kOutputLimit);
      if (operation.request.options.overflow != muster::OutputOverflow::kKill) {
        violated("I6", operation, "killed for output that is not limited");
      }
      return checkEnding(operation, outcome);
    case Kind::kSessionEnded:
      if (!closing_ && !leaseMayRunOut()) {
        violated("I6", operation, "ended with a session that goes on");
      }
      return checkEnding(operation, outcome);
    case Kind::kLost:
      return checkLost(operation, outcome.lostReason());
  }
}

bool SimulatedClient::leaseMayRunOut() const {
  return node_.longestSilenceNs(number_) + controller_.loop.route().frameMostNs() >=
         profile_.leaseNs;
}

void SimulatedClient::checkLost(const Operation& operation, muster::LostReason reason) {
  using Reason = muster::LostReason;
  bool honest = false;
  switch (reason) {
    case Reason::kKeeperRestarted:
      world_.count(Event::kLostByRestart);
      honest = node_.keeperKills() > operation.keeperKills;
      break;
    case Reason::kNodeRebooted:
      world_.count(Event::kLostByReboot);
      honest = node_.boots() > operation.boots;
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
    violated("I6", operation,
             "reported as lost because \"" + muster::toString(reason) + "\", which did not happen");
  }
}

// Checks that the reported status is the real one.
void SimulatedClient::checkEnding(const Operation& operation, const muster::Outcome& outcome) {
  const Life& life = machine_.life(operation.token);
  if (life.endedNs < 0) return violated("I6", operation, "reported as ended, and runs");
  int status = life.exit.signalled ? -1 : life.exit.value;
  int signalNumber = life.exit.signalled ? life.exit.value : 0;
  if (outcome.exitStatus() != status || outcome.signal() != signalNumber) {
    violated("I6", operation,
             "reported exit status " + std::to_string(outcome.exitStatus()) + " and signal " +
                 std::to_string(outcome.signal()) + ", really " + std::to_string(status) + " and " +
                 std::to_string(signalNumber));
  }
}

void SimulatedClient::checkOutput(const Operation& operation, const muster::Result& result) {
  using Kind = muster::Outcome::Kind;
  const Program& program = machine_.program(operation.token);
  Kind kind = result.outcome.kind();
  if (kind == Kind::kLost || kind == Kind::kNotStarted) return;
  // A child may go on printing, and a second stop need not wait until the pipe is read.
  bool isWhole = !program.leavesChild && !operation.wasStopped && !closing_ &&
                 kind != Kind::kOutputLimit && kind != Kind::kSessionEnded;
  Expected expected = isWhole ? Expected::kAll : Expected::kSome;
  checkStream(operation, kOutput, result.out, result.outProducedBytes, result.outDroppedBytes,
              expected);
  if (operation.request.options.stderrTo == muster::StderrTo::kStdout) return;
  checkStream(operation, kErrors, result.err, result.errProducedBytes, result.errDroppedBytes,
              expected);
}

void SimulatedClient::checkStream(const Operation& operation, unsigned stream,
                                  const std::string& got, uint64_t produced, uint64_t dropped,
                                  Expected expected) {
  bool isWhole = expected == Expected::kAll;
  const Life& life = machine_.life(operation.token);
  uint64_t printed = life.printed[stream];
  uint64_t kept = operation.request.options.outputBytesMax;
  auto overflow = operation.request.options.overflow;
  std::string name = stream == kOutput ? "output" : "errors";
  if (produced > printed) violated("I1", operation, name + ": more bytes than were printed");
  if (isWhole && produced != printed) {
    violated("I1", operation,
             name + ": " + std::to_string(produced) + " bytes reported of " +
                 std::to_string(printed) + " printed");
  }
  if (got.size() + dropped != produced && overflow != muster::OutputOverflow::kKeepTail) {
    violated("I1", operation,
             name + ": " + std::to_string(got.size()) + " bytes came and " +
                 std::to_string(dropped) + " were dropped, of " + std::to_string(produced));
  }
  uint64_t from = 0;
  size_t count = got.size();
  if (overflow == muster::OutputOverflow::kKeepTail) {
    if (dropped > 0) world_.count(Event::kTailKept);
    if (got.size() + dropped < produced) violated("I1", operation, name + ": bytes lost uncounted");
    if (dropped > 0 && produced <= kept && !profile_.diskFails) {
      violated("I1", operation, name + ": dropped though it fits");
    }
    count = std::min<size_t>(count, profile_.diskFails ? 64 : kept);
    from = produced - count;
  } else if (overflow == muster::OutputOverflow::kKeepHead) {
    if (dropped > 0) world_.count(Event::kHeadKept);
    if (!profile_.diskFails && isWhole && got.size() != std::min(printed, kept)) {
      violated("I1", operation, name + ": not the whole head was kept");
    }
  } else if (overflow == muster::OutputOverflow::kBlock && dropped > 0 && isWhole &&
             profile_.isCalm && life.killedNs < 0 && life.termedNs < 0) {
    violated("I1", operation, name + ": dropped though it may wait");
  }
  // A stream whose first bytes were dropped has no digest, so damage by the disk stays unseen.
  if (profile_.diskRots && dropped > 0) return;
  if (patternOf(operation.token, stream, from, count) != got.substr(got.size() - count)) {
    violated("I1", operation, name + ": other bytes than were printed");
  }
}

// Checks that an undisturbed command ends as its program says, and is reported at once.
void SimulatedClient::checkTiming(const Operation& operation, const muster::Result& result) {
  if (!profile_.isCalm || closing_) return;
  const Life& life = machine_.life(operation.token);
  auto kind = result.outcome.kind();
  int64_t allowed = result.deadline.count();
  if (kind == muster::Outcome::Kind::kDeadline && operation.naturalNs + kSecond / 4 < allowed) {
    violated("I3", operation, "killed at its deadline with nothing to wait for");
  }
  if (life.endedNs >= 0) {
    int64_t late = world_.nowNs() - life.endedNs - kDrainNs;
    if (late > kSecond / 2) {
      violated("I3", operation, "its end was reported " + std::to_string(late) + " ns late");
    }
  }
}

void SimulatedClient::checkFailure(const Operation& operation, const kj::Exception& exception,
                                   const char* what) {
  using Kind = muster::NodeError::Kind;
  Kind kind = harness::kindOf(exception);
  world_.note("failed", operation.token, static_cast<uint64_t>(kind));
  bool fine = false;
  switch (kind) {
    case Kind::kTimeout:
      world_.count(Event::kLateAnswer);
      fine = !profile_.isCalm;
      break;
    case Kind::kUnreachable:
      world_.count(Event::kNoConnection);
      fine = !profile_.isCalm || closing_;
      break;
    case Kind::kLost:
      fine = closing_ || node_.keeperStarts() > operation.keeperStarts || leaseMayRunOut();
      break;
    case Kind::kCorrupt:
      fine = profile_.diskRots;
      break;
    default:
      break;
  }
  if (!fine) {
    violated("I3", operation, std::string(what) + " failed: " + harness::textOf(exception).cStr());
  }
}

}  // namespace simulation
