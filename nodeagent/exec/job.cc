#include "nodeagent/exec/job.h"

#include <errno.h>
#include <signal.h>

#include <kj/debug.h>

#include "nodeagent/os/privileges.h"
#include "nodeagent/os/process.h"
#include "schema/support/base/log.h"

namespace nodeagent::exec {
namespace {

// The end of a session is bounded as a whole, so the grace of one job is too.
constexpr int64_t kSessionGraceMaxNs = 15'000'000'000;
constexpr auto kHoldersWait = 1 * kj::SECONDS;
constexpr auto kInputCapacityWait = 1 * kj::SECONDS;
constexpr size_t kHoldersMax = 16;
// The schema promises this bound for Follow.bytesMin.
constexpr auto kGatherMax = 20 * kj::MILLISECONDS;

uint64_t available(const kj::Own<OutputStream>& stream, uint64_t from) {
  return stream.get() == nullptr ? 0 : stream->buffer().available(from);
}

void logTask(kj::Exception&& exception) {
  support::log(support::Level::kError, "a task of a job failed",
               {{"exception", exception.getDescription()}});
}

}  // namespace

support::Failure stillThere(kj::ArrayPtr<const pid_t> pids) {
  kj::Vector<kj::String> names;
  for (pid_t pid : pids) {
    KJ_IF_MAYBE (command, commandOf(pid)) names.add(kj::str("pid ", pid, " (", *command, ")"));
    if (names.size() == kHoldersMax) break;
  }
  return {
      wire::Error::Kind::TIMEOUT, 0,
      kj::str("killed, but still there: ", kj::strArray(names, ", "),
              "; such a process hangs in the kernel, as in a file system that does not answer")};
}

Job::Job(const JobContext& context, Listener& listener, uint64_t owner, uint64_t number,
         JobSpec spec)
    : context_(context),
      listener_(listener),
      owner_(owner),
      number_(number),
      spec_(kj::mv(spec)),
      order_(context.spool) {}

Job::~Job() noexcept(false) = default;

void Job::start() {
  startedRealtimeNs_ = context_.clock.realtimeNs();
  startedBoottimeNs_ = context_.clock.boottimeNs();
  startedMonotonicNs_ = context_.clock.monotonicNs();
  if (spec_.deadlineNs != INT64_MAX) {
    // The deadline counts from the clock itself, because the loop's time is as old as its last
    // wait.
    auto now = kj::max(context_.timer.now(), kj::origin<kj::TimePoint>() +
                                                 context_.clock.monotonicNs() * kj::NANOSECONDS);
    deadline_ = context_.timer.atTime(now + spec_.deadlineNs * kj::NANOSECONDS)
                    .then([this]() { stop(StopReason::kDeadline, spec_.graceNs); })
                    .eagerlyEvaluate(logTask);
  }
  // The job's life is one chain. launch() lasts until the first process has ended and its output is
  // drained. A failure on the way becomes the outcome, and finish() comes in any case.
  run_ = kj::evalNow([this]() { return resolveUser(); })
             .then([this]() { return launch(); })
             .catch_([this](kj::Exception&& exception) {
               notStarted_ = support::toFailure(exception, "jobs.run");
               if (processes_.get() != nullptr) processes_->killAll();
             })
             .then([this]() { finish(); })
             .eagerlyEvaluate(logTask);
}

bool Job::lookAtLaunch() {
  if (launch_.get() == nullptr) return true;
  auto known = launch_->outcome();
  KJ_IF_MAYBE (failure, known) {
    KJ_IF_MAYBE (reported, *failure) {
      notStarted_ =
          support::Failure{support::kindOfErrno(reported->errorNumber), reported->errorNumber,
                           spawnFailureText(spec_, *reported, environment_)};
      failedStep_ = startStepOf(reported->stage);
    }
    keeperBytesMax_ = ownResidentBytesMax();
    launch_ = nullptr;
    environment_ = nullptr;
    spec_.trim();
    if (*failure == nullptr) unprotectChildren();
    return true;
  }
  return false;
}

// The program has lost the keeper's protection from lack of memory by now. Processes that it forked
// before have it still, and a second look finds those that they forked meanwhile.
void Job::unprotectChildren() {
  auto score = oomScoreOfJobs();
  if (score == nullptr || processes_->isSurelyEmpty()) return;
  auto look = [this, score = KJ_ASSERT_NONNULL(score)]() {
    return processes_->list().then(
        [score](kj::Vector<pid_t>&& pids) { return setInheritedOomScore(pids, score); });
  };
  unprotecting_ = look()
                      .then([look](bool hasSet) mutable -> kj::Promise<void> {
                        if (!hasSet) return kj::READY_NOW;
                        return look().ignoreResult();
                      })
                      .eagerlyEvaluate(logTask);
}

kj::Promise<void> Job::awaitExit(kj::Promise<void> readable) {
  return readable.then([this]() {
    // The launch is looked at before the process is reaped, because its pid may belong to another
    // process afterwards.
    lookAtLaunch();
    auto ended = context_.spawner.reap(pidfd_);
    if (ended == nullptr) return awaitExit(exitObserver_->whenBecomesReadable());
    exit_ = KJ_ASSERT_NONNULL(ended);
    // The kernel's figure includes the time before execve, when the process was a copy of the
    // keeper. A figure that is not larger than the keeper says nothing about the command.
    if (exit_.residentBytesMax <= keeperBytesMax_) exit_.residentBytesMax = 0;
    if (exit_.signalled && exit_.value == SIGKILL)
      memoryKill_ = processes_->memoryKill(pid_, startedMonotonicNs_);
    exitObserver_ = nullptr;
    pidfd_ = nullptr;
    listener_.exited(*this);
    return leaderEnded();
  });
}

// Begins the second part of the job's life, in which its first process has ended and its output may
// still come from others. Input is not passed on any more, and the processes that are left are
// counted. A program that was never started has no output, so there is nothing to drain.
kj::Promise<void> Job::leaderEnded() {
  endedBoottimeNs_ = context_.clock.boottimeNs();
  inputPump_ = nullptr;
  if (input_.get() != nullptr) input_->close();
  if (processes_->isSurelyEmpty()) return leftCounted(0);
  return processes_->list().then(
      [this](kj::Vector<pid_t>&& pids) { return leftCounted(pids.size()); });
}

kj::Promise<void> Job::leftCounted(size_t count) {
  leftRunning_ = static_cast<uint32_t>(count);
  if (notStarted_ != nullptr) return kj::READY_NOW;
  leftNobody_ = leftRunning_ == 0 && streamsEnded();
  return drain(context_.timer.now() + spec_.drainNs * kj::NANOSECONDS);
}

// Waits for the end of all streams, but not beyond `end`. A stream that waits for its reader to
// release bytes, or for the disk, gets more time (drainFull), because none of its bytes may be
// lost. A stream that somebody merely holds open gets none, and its holders are named.
kj::Promise<void> Job::drain(kj::TimePoint end) {
  if (streamsEnded() || drainCut_) return kj::READY_NOW;
  if (context_.timer.now() < end) {
    return changed_.next().exclusiveJoin(context_.timer.atTime(end)).then([this, end]() {
      return drain(end);
    });
  }
  return streamsStalled() || streamsWaitForDisk() ? drainFull() : nameHolders();
}

// Goes on draining where a stream waits for its reader. A job that was not killed waits for any
// length of time. A killed job waits for the drain time after each change, and then output beyond
// the retention is dropped and counted.
kj::Promise<void> Job::drainFull() {
  auto drainTime = spec_.drainNs * kj::NANOSECONDS;
  auto again = [this, drainTime]() { return drain(context_.timer.now() + drainTime); };
  if (killAt_ == nullptr) return changed_.next().then(kj::mv(again));
  auto tooLate = context_.timer.afterDelay(drainTime).then([this]() { neverWait(); });
  return changed_.next().exclusiveJoin(kj::mv(tooLate)).then(kj::mv(again));
}

void Job::neverWait() {
  for (auto* stream : {output_.get(), errors_.get()}) {
    if (stream != nullptr) stream->neverWait();
  }
}

// Finds out which of the job's processes hold the streams open. A worker thread looks, because the
// descriptors of each process are read from /proc. A look that takes too long is given up without a
// name.
kj::Promise<void> Job::nameHolders() {
  struct Found {
    kj::Vector<Holder> holders;
  };
  kj::Vector<kj::String> links;
  for (auto* stream : {output_.get(), errors_.get()}) {
    if (stream != nullptr && !stream->ended()) links.add(stream->link());
  }
  auto find = [links = links.releaseAsArray()](kj::ArrayPtr<const pid_t> pids) {
    Found found;
    for (pid_t pid : pids) {
      bool holds = false;
      for (auto& link : links) holds = holds || !holdersOf(kj::arrayPtr(&pid, 1), link).empty();
      if (!holds) continue;
      KJ_IF_MAYBE (command, commandOf(pid)) found.holders.add(Holder{pid, kj::mv(*command)});
      if (found.holders.size() == kHoldersMax) break;
    }
    return found;
  };
  return processes_->list()
      .then([this, find = kj::mv(find)](kj::Vector<pid_t>&& pids) mutable {
        return context_.worker.run(
            [pids = kj::mv(pids), find = kj::mv(find)]() { return find(pids); });
      })
      .then([this](Found&& found) { holders_ = found.holders.releaseAsArray(); })
      .exclusiveJoin(context_.timer.afterDelay(kHoldersWait));
}

// Makes the outcome final. The steps have a fixed order:
// 1. Everything that only a running command needs is freed.
// 2. Streams that are still open are detached, which keeps the bytes that lie in their pipes.
// 3. The listener learns of the end. The job counts there as one with processes left until step 4.
// 4. The listener learns that the job is gone, now or when its last process has ended.
void Job::finish() {
  deadline_ = nullptr;
  inputPump_ = nullptr;
  launch_ = nullptr;
  environment_ = nullptr;
  spec_.trim();
  terminal_ = nullptr;
  if (endedBoottimeNs_ == 0) endedBoottimeNs_ = context_.clock.boottimeNs();
  for (auto* stream : {output_.get(), errors_.get()}) {
    if (stream != nullptr && !stream->ended()) stream->detach();
  }
  ended_ = true;
  listener_.ended(*this);
  if (processes_.get() == nullptr || leftNobody_ || processes_->isSurelyEmpty()) {
    released();
  } else {
    lingering_ = processes_->whenEmpty().then([this]() { released(); }).eagerlyEvaluate(logTask);
  }
  changed_.notify();
}

// Is called when no process of the job is left. The listener may destroy the job soon afterwards.
void Job::released() {
  stopping_ = nullptr;
  signalling_ = nullptr;
  unprotecting_ = nullptr;
  if (processes_.get() != nullptr && context_.deaths != nullptr) {
    memoryKills_ = processes_->memoryKills();
  }
  processes_ = nullptr;
  gone_ = true;
  changed_.notify();
  listener_.gone(*this);
}

void Job::stop(StopReason reason, int64_t graceNs) {
  if (gone_) return;
  if (endedBoottimeNs_ == 0 && reason_ == StopReason::kNone) reason_ = reason;
  // A deadline does not cut the drain, because a reader that still releases bytes gets the time for
  // the rest. Any other reason does.
  if (endedBoottimeNs_ != 0 && !ended_ && reason != StopReason::kDeadline) drainCut_ = true;
  changed_.notify();
  // A job that has not been launched yet is refused by launch(), which looks at the reason.
  if (processes_.get() == nullptr) return;
  auto killAt = context_.timer.now() + graceNs * kj::NANOSECONDS;
  bool isFirst = killAt_ == nullptr;
  KJ_IF_MAYBE (earlier, killAt_) {
    if (*earlier <= killAt) return;
  }
  killAt_ = killAt;
  if (graceNs <= 0) return killAll();
  if (isFirst) {
    // A stopped process would not act on SIGTERM.
    signalling_ =
        processes_->signalAll(kj::heapArray<int>({SIGTERM, SIGCONT})).eagerlyEvaluate(logTask);
  }
  stopping_ = context_.timer.atTime(killAt).then([this]() { killAll(); }).eagerlyEvaluate(logTask);
}

void Job::killAll() {
  if (processes_.get() != nullptr) processes_->killAll();
}

// Nobody will read the output of a session that ends, so no stream waits for its reader any more.
// KILL comes after the grace at the latest, and processes get `endWaitNs` beyond that to disappear.
kj::Promise<kj::Maybe<support::Failure>> Job::endWithSession() {
  auto graceNs = kj::min(spec_.graceNs, kSessionGraceMaxNs);
  neverWait();
  stop(StopReason::kSessionEnded, graceNs);
  auto end = context_.timer.now() + (graceNs + context_.limits.endWaitNs) * kj::NANOSECONDS;
  return waitGone(end)
      .then([this]() -> kj::Promise<kj::Maybe<support::Failure>> {
        using Reason = kj::Maybe<support::Failure>;
        if (gone_) return Reason();
        return processes_->list().then([](kj::Vector<pid_t>&& pids) -> Reason {
          if (pids.empty()) return nullptr;
          return stillThere(pids);
        });
      })
      .attach(kj::addRef(*this));
}

kj::Promise<void> Job::waitGone(kj::TimePoint end) {
  if (gone_ || context_.timer.now() >= end) return kj::READY_NOW;
  return changed_.next().exclusiveJoin(context_.timer.atTime(end)).then([this, end]() {
    return waitGone(end);
  });
}

kj::Promise<kj::Vector<pid_t>> Job::list() {
  if (processes_.get() == nullptr) return kj::Vector<pid_t>();
  return processes_->list().attach(kj::addRef(*this));
}

kj::Promise<void> Job::look() {
  if (processes_.get() == nullptr) return kj::READY_NOW;
  return processes_->list()
      .then(
          [this](kj::Vector<pid_t>&& pids) { processCount_ = static_cast<uint32_t>(pids.size()); })
      .attach(kj::addRef(*this));
}

kj::Promise<int> Job::signal(int number, wire::Jobs::Target target) {
  if (target == wire::Jobs::Target::ALL) {
    if (processes_.get() == nullptr) return 0;
    return processes_->signalAll(kj::heapArray<int>({number}))
        .then([]() { return 0; })
        .attach(kj::addRef(*this));
  }
  if (pidfd_.get() < 0) return 0;
  int result = context_.spawner.signal(pidfd_, number);
  return result == ESRCH ? 0 : result;
}

void Job::resize(uint16_t columns, uint16_t rows) {
  if (!spec_.hasTerminal)
    support::fail(wire::Error::Kind::CONFLICT, "job ", number_, " has no terminal");
  if (terminal_.get() < 0) return;
  int result = resizeTerminal(terminal_, columns, rows);
  if (result != 0) support::failErrno(result, "resize the terminal of job ", number_);
}

kj::Promise<uint64_t> Job::writeInput(uint64_t offset, kj::Array<kj::byte> bytes,
                                      AfterInput after) {
  if (spec_.input != wire::JobSpec::Input::STREAM) {
    support::fail(wire::Error::Kind::CONFLICT, "job ", number_, " has no input stream");
  }
  // A job that was never launched accepts input and drops it. Before that, none fits.
  if (input_.get() == nullptr && ended_) return offset + bytes.size();
  if (input_.get() == nullptr) {
    return context_.timer.afterDelay(kInputCapacityWait)
        .exclusiveJoin(changed_.next())
        .then([this, offset, after, held = kj::mv(bytes)]() mutable -> kj::Promise<uint64_t> {
          if (input_.get() == nullptr && !ended_) return uint64_t{0};
          return writeInput(offset, kj::mv(held), after);
        })
        .attach(kj::addRef(*this));
  }
  uint64_t before = input_->acceptedTo();
  uint64_t acceptedTo = input_->accept(offset, bytes, after);
  if (acceptedTo > before || acceptedTo >= offset + bytes.size()) return acceptedTo;
  // Nothing fitted. The answer waits, because the caller would only ask again at once.
  return context_.timer.afterDelay(kInputCapacityWait)
      .exclusiveJoin(input_->whenCapacity())
      .then([this, offset, after, held = kj::mv(bytes)]() {
        return input_->accept(offset, held, after);
      })
      .attach(kj::addRef(*this));
}

kj::Promise<void> Job::waitFor(FollowWish wish) {
  auto waitNs = kj::min(kj::max(wish.waitNs, int64_t{0}), kFollowWaitMaxNs);
  auto end = context_.timer.now() + waitNs * kj::NANOSECONDS;
  return waitUntil(wish, end).attach(kj::addRef(*this));
}

kj::Promise<void> Job::waitUntil(FollowWish wish, kj::TimePoint end) {
  if (satisfied(wish) || context_.timer.now() >= end) return kj::READY_NOW;
  // A wish for a range waits for its first bytes as long as any other, and from then on only for a
  // moment, so that bytes that have come are not held back for the rest.
  if (wish.bytesMin > 0 && !wish.gathers && available(output_, wish.outputFrom) > 0) {
    wish.gathers = true;
    end = kj::min(end, context_.timer.now() + kGatherMax);
  }
  return changed_.next().exclusiveJoin(context_.timer.atTime(end)).then([this, wish, end]() {
    return waitUntil(wish, end);
  });
}

bool Job::satisfied(const FollowWish& wish) const {
  if (ended_) return true;
  uint64_t ready = available(output_, wish.outputFrom);
  uint64_t readyErrors = available(errors_, wish.errorsFrom);
  if (wish.bytesMin > 0) return ready >= wish.bytesMin || readyErrors > 0 || streamsFull();
  ready += readyErrors;
  if (wish.until == wire::Follow::Until::CHANGE) return ready > 0;
  // A job that waits for its reader does not end before its output is read.
  if (wish.bytesMax == 0) return streamsFull();
  return ready > wish.bytesMax || streamsStalled();
}

bool Job::streamsEnded() const {
  return (output_.get() == nullptr || output_->ended()) &&
         (errors_.get() == nullptr || errors_->ended());
}

bool Job::streamsStalled() const {
  return (output_.get() != nullptr && output_->stalled()) ||
         (errors_.get() != nullptr && errors_->stalled());
}

bool Job::streamsWaitForDisk() const {
  return (output_.get() != nullptr && output_->waitsForDisk()) ||
         (errors_.get() != nullptr && errors_->waitsForDisk());
}

bool Job::streamsFull() const {
  return (output_.get() != nullptr && output_->full()) ||
         (errors_.get() != nullptr && errors_->full());
}

void Job::release(uint64_t outputTo, uint64_t errorsTo) {
  if (output_.get() != nullptr) output_->release(outputTo);
  if (errors_.get() != nullptr) errors_->release(errorsTo);
  changed_.notify();
}

// Drops the promises first, so that none of them acts on the parts that go after them. The process
// set kills its processes when it is destroyed.
void Job::abandon() {
  run_ = nullptr;
  lingering_ = nullptr;
  stopping_ = nullptr;
  signalling_ = nullptr;
  unprotecting_ = nullptr;
  deadline_ = nullptr;
  inputPump_ = nullptr;
  errorsPump_ = nullptr;
  outputPump_ = nullptr;
  processes_ = nullptr;
  output_ = nullptr;
  errors_ = nullptr;
  input_ = nullptr;
  order_.clear();
  gone_ = true;
}

void Job::forget() {
  for (auto* stream : {output_.get(), errors_.get()}) {
    if (stream != nullptr) stream->buffer().clear();
  }
  order_.clear();
}

// Is called after each read, so that only one of the streams has grown.
void Job::outputChanged() {
  if (output_.get() != nullptr && errors_.get() != nullptr) {
    order_.note(output_->buffer().producedBytes(), errors_->buffer().producedBytes());
  }
  for (auto* stream : {output_.get(), errors_.get()}) {
    if (stream != nullptr && stream->buffer().overflowed() && reason_ == StopReason::kNone &&
        !ended_) {
      stop(StopReason::kOutputLimit, 0);
    }
  }
  changed_.notify();
}

kj::Maybe<const support::Failure&> Job::notStarted() const {
  return notStarted_.map(
      [](const support::Failure& failure) -> const support::Failure& { return failure; });
}

int64_t Job::elapsedNs() const {
  return (endedBoottimeNs_ == 0 ? context_.clock.boottimeNs() : endedBoottimeNs_) -
         startedBoottimeNs_;
}

uint64_t Job::inputAcceptedTo() const {
  return input_.get() == nullptr ? 0 : input_->acceptedTo();
}

}  // namespace nodeagent::exec
