#include "nodeagent/exec/detached_job.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include <kj/debug.h>

#include "nodeagent/exec/job_spec.h"
#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/process_set.h"
#include "nodeagent/os/spawn.h"
#include "schema/support/base/log.h"
#include "schema/support/base/socket.h"
#include "schema/support/base/wire_error.h"
#include "schema/support/rpc/socket_stream.h"

namespace nodeagent {
namespace {

constexpr auto kPauseFirst = 5 * kj::MILLISECONDS;
constexpr auto kPauseLast = 1 * kj::SECONDS;
constexpr auto kWatchPause = 200 * kj::MILLISECONDS;
constexpr auto kLookMax = 1 * kj::SECONDS;
constexpr auto kShimStart = 10 * kj::SECONDS;  // Then it is looked for all the same.
constexpr unsigned kSpawnsMax = 3;

void logTask(kj::Exception&& exception) {
  support::log(support::Level::kError, "a task of a detached job failed",
               {{"exception", exception.getDescription()}});
}

using Observer = kj::UnixEventPort::FdObserver;

kj::Promise<void> untilEndOfFile(int fd, Observer& observer) {
  char bytes[64];
  ssize_t count;
  do {
    count = read(fd, bytes, sizeof bytes);
  } while (count > 0 || (count < 0 && errno == EINTR));
  if (count == 0 || errno != EAGAIN) return kj::READY_NOW;
  return observer.whenBecomesReadable().then(
      [fd, &observer]() { return untilEndOfFile(fd, observer); });
}

struct Starting {
  kj::AutoCloseFd ready;
  kj::Own<Launch> launch;
  kj::Own<Observer> observer;
};

kj::Promise<bool> nothing() {
  return true;
}

struct Ending {
  kj::AutoCloseFd pidfd;
  kj::Own<Observer> observer;
};

template <typename Results>
void requireNoError(const Results& results) {
  if (results.hasError())
    kj::throwFatalException(support::toException(support::readError(results.getError())));
}

// For answers that carry nothing but perhaps an error.
template <typename Sent>
kj::Promise<bool> done(Sent&& sent) {
  return sent.then([](auto&& response) {
    requireNoError(response);
    return true;
  });
}

}  // namespace

DetachedJob::DetachedJob(const DetachedContext& context, DetachedFiles files,
                         kj::Own<capnp::MessageReader> message)
    : context_(context),
      files_(kj::mv(files)),
      message_(kj::mv(message)),
      hash_(readJobSpec(record().getSpec()).hash),
      pause_(kPauseFirst),
      status_(kj::heap<capnp::MallocMessageBuilder>()) {
  status_->initRoot<wire::JobStatus>().setState(wire::JobStatus::State::RUNNING);
}

DetachedJob::~DetachedJob() noexcept(false) = default;

wire::DetachedRecord::Reader DetachedJob::record() {
  return message_->getRoot<wire::DetachedRecord>();
}

wire::JobStatus::Reader DetachedJob::status() {
  return status_->getRoot<wire::JobStatus>().asReader();
}

void DetachedJob::begin(kj::Function<void()> over) {
  over_ = kj::mv(over);
  driver_ = bringUp().eagerlyEvaluate(logTask);
}

void DetachedJob::giveTo(const support::Id& sessionId) {
  capnp::MallocMessageBuilder changed;
  changed.setRoot(record());
  changed.getRoot<wire::DetachedRecord>().setSessionId(sessionId.data());
  files_.write("record", changed);
  KJ_IF_MAYBE (written, files_.read("record")) {
    message_ = kj::mv(*written);
  } else {
    support::fail(wire::Error::Kind::SYSTEM, "read the record of job ", number(), " again");
  }
}

// Until the shim is connected to, or known to have ended.
kj::Promise<void> DetachedJob::bringUp() {
  KJ_IF_MAYBE (fd, tryConnect()) {
    pause_ = kPauseFirst;
    return connected(kj::heap<support::SocketStream>(context_.port, kj::mv(*fd)));
  }
  auto again = [this]() { return bringUp(); };
  if (!files_.exists()) return shimEnded();
  bool lives = files_.lock() == nullptr;
  if (!lives && files_.isClaimed()) return shimEnded();
  if (!lives && spawns_ < kSpawnsMax) {
    ++spawns_;
    return spawn().then(kj::mv(again));
  }
  if (!lives) return shimEnded();
  // On its way, or not answering.
  auto pause = pause_;
  pause_ = kj::min(pause_ * 2, kPauseLast);
  return context_.timer.afterDelay(pause).then(kj::mv(again));
}

kj::Maybe<kj::AutoCloseFd> DetachedJob::tryConnect() {
  std::string why;
  auto endpoint = support::Endpoint::fromText("unix:" + std::string(files_.socket().cStr()), &why);
  if (!endpoint) return nullptr;
  auto fd = support::openSocket(*endpoint);
  // A unix socket answers at once, also one that does not block.
  if (connect(fd, endpoint->socketAddress(), endpoint->addressBytes) != 0) return nullptr;
  return kj::mv(fd);
}

kj::Promise<void> DetachedJob::spawn() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) support::failErrno(errno, "make a pipe");
  auto starting = kj::heap<Starting>();
  starting->ready = kj::AutoCloseFd(ends[0]);
  kj::AutoCloseFd output(ends[1]);
  kj::AutoCloseFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (null.get() < 0) support::failErrno(errno, "open /dev/null");
  auto argv = kj::heapArrayBuilder<kj::String>(3);
  argv.add(kj::str(context_.program));
  argv.add(kj::str("--shim"));
  argv.add(kj::str(files_.path()));
  kj::Vector<kj::String> environment;
  for (char** item = environ; *item != nullptr; ++item) environment.add(kj::str(*item));
  SpawnOptions options;
  auto words = argv.finish();
  options.argv = words;
  options.environment = environment;
  options.umask = 0077;
  options.input = null;
  options.output = output;
  options.errors = STDERR_FILENO;
  auto launched = launchProgram(options);
  if (launched.is<SpawnFailure>()) {
    int number = launched.get<SpawnFailure>().errorNumber;
    support::log(support::Level::kError, "a shim cannot be started",
                 {{"number", number}, {"reason", support::errnoText(number)}});
    return context_.timer.afterDelay(kPauseLast);
  }
  starting->launch = kj::mv(launched.get<kj::Own<Launch>>());
  reaper_ = reap(starting->launch->takePidfd()).eagerlyEvaluate(logTask);
  starting->observer = kj::heap<Observer>(context_.port, starting->ready, Observer::OBSERVE_READ);
  auto ready = untilEndOfFile(starting->ready, *starting->observer);
  auto late = context_.timer.afterDelay(kShimStart);
  return ready.exclusiveJoin(kj::mv(late)).attach(kj::mv(starting));
}

kj::Promise<void> DetachedJob::reap(kj::AutoCloseFd pidfd) {
  auto ending = kj::heap<Ending>();
  ending->pidfd = kj::mv(pidfd);
  ending->observer = kj::heap<Observer>(context_.port, ending->pidfd, Observer::OBSERVE_READ);
  auto& child = *ending;
  return child.observer->whenBecomesReadable()
      .then([&child]() { reapChild(child.pidfd); })
      .attach(kj::mv(ending));
}

kj::Promise<void> DetachedJob::connected(kj::Own<kj::AsyncIoStream> stream) {
  auto rpc = kj::heap<support::RpcConnection>(kj::mv(stream), context_.timer);
  auto& connection = *rpc;
  rpc_ = kj::mv(rpc);
  for (auto& waiter : waiters_) waiter->fulfill();
  waiters_.clear();
  connection.bootstrap();  // Without it nothing is read.
  auto watching = watch().catch_([](kj::Exception&&) -> kj::Promise<void> {
    return kj::NEVER_DONE;  // The connection's own end is what counts.
  });
  return connection.onDisconnect().exclusiveJoin(kj::mv(watching)).then([this]() {
    connectionOver();
    return context_.timer.afterDelay(kPauseFirst).then([this]() { return bringUp(); });
  });
}

void DetachedJob::connectionOver() {
  KJ_IF_MAYBE (rpc, rpc_) {
    (*rpc)->shutdown();
    // Calls over it are still on their way out.
    auto gone = kj::mv(*rpc);
    rpc_ = nullptr;
    closing_ =
        kj::evalLater([gone = kj::mv(gone)]() mutable { gone = nullptr; }).eagerlyEvaluate(logTask);
  }
}

// Keeps status() fresh for lists and counts, and the last word for the case that the shim is
// killed.
kj::Promise<void> DetachedJob::watch() {
  auto request = client().followRequest();
  request.setNumber(number());
  auto follow = request.initFollow();
  follow.setUntil(wire::Follow::Until::ENDED);
  follow.setWaitNs(kFollowWaitMaxNs);
  return request.send().then([this](auto&& response) -> kj::Promise<void> {
    if (response.hasError()) {  // Forgotten there.
      isAcknowledged_ = true;
      return kj::NEVER_DONE;
    }
    keepStatus(response.getProgress().getStatus());
    if (status().getState() == wire::JobStatus::State::ENDED) return kj::NEVER_DONE;
    return context_.timer.afterDelay(kWatchPause).then([this]() { return watch(); });
  });
}

void DetachedJob::keepStatus(wire::JobStatus::Reader status) {
  status_ = kj::heap<capnp::MallocMessageBuilder>();
  status_->setRoot(status);
}

kj::Promise<void> DetachedJob::shimEnded() {
  if (!files_.exists()) {
    conclude();
    return kj::READY_NOW;
  }
  return killLeftovers().then([this]() {
    KJ_IF_MAYBE (stored, files_.read("exit")) {
      keepStatus((*stored)->getRoot<wire::JobStatus>());
    }
    conclude();
  });
}

kj::Promise<void> DetachedJob::killLeftovers() {
  return context_.worker.run(
      [group = kj::str(record().getGroup())]() { ProcessSets::killLeftovers(group); });
}

// What a shim takes with it: the output, and the outcome of a job that had not ended.
void DetachedJob::conclude() {
  auto status = status_->getRoot<wire::JobStatus>();
  if (status.getState() != wire::JobStatus::State::ENDED) {
    status.setState(wire::JobStatus::State::ENDED);
    if (files_.exists() && !files_.isClaimed()) {
      auto error = status.initOutcome().initNotStarted();
      error.setKind(wire::Error::Kind::SYSTEM);
      error.setText("the process that keeps detached jobs could not be started");
    } else {
      auto lost = status.initOutcome().initLost();
      lost.setReason(wire::JobOutcome::Lost::Reason::SUPERVISOR_KILLED);
      lost.setText("the process that kept the job was killed");
    }
  }
  for (auto stream : {status.getOutput(), status.getErrors()}) {
    stream.setDroppedBytes(stream.getProducedBytes());
    stream.setRetainedFrom(stream.getProducedBytes());
    stream.setRetainedTo(stream.getProducedBytes());
    stream.setEnded(true);
    stream.disownSha256();
  }
  isOver_ = true;
  isAlive_ = false;
  processCount_ = 0;
  for (auto& waiter : waiters_) waiter->fulfill();
  waiters_.clear();
  if (isAcknowledged_ || !files_.exists()) forget();
}

void DetachedJob::forget() {
  files_.remove();
  auto over = kj::mv(over_);
  over_ = []() {};
  over();
}

// True once there is a connection, false if there will be none.
kj::Promise<bool> DetachedJob::reached() {
  if (rpc_ != nullptr) return true;
  if (isOver_) return false;
  auto pair = kj::newPromiseAndFulfiller<void>();
  waiters_.add(kj::mv(pair.fulfiller));
  return pair.promise.then([this]() { return reached(); });
}

// Calls `attempt` over a connection, again if that is lost meanwhile; `over` if there is none.
template <typename T, typename Attempt, typename Over>
kj::Promise<T> DetachedJob::pass(Attempt attempt, Over over) {
  return reached().then([this, attempt, over](bool isUp) -> kj::Promise<T> {
    if (!isUp) return over();
    return attempt(client()).catch_(
        [this, attempt, over](kj::Exception&& exception) -> kj::Promise<T> {
          if (exception.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(exception);
          return context_.timer.afterDelay(kPauseFirst).then([this, attempt, over]() {
            return pass<T>(attempt, over);
          });
        });
  });
}

kj::Promise<kj::Own<capnp::MallocMessageBuilder>> DetachedJob::follow(DetachedFollow wish) {
  using Answer = kj::Own<capnp::MallocMessageBuilder>;
  auto attempt = [this, wish](wire::Jobs::Client client) -> kj::Promise<Answer> {
    auto request = client.followRequest();
    request.setNumber(number());
    auto follow = request.initFollow();
    follow.setOutputFrom(wish.outputFrom);
    follow.setErrorsFrom(wish.errorsFrom);
    follow.setBytesMax(wish.bytesMax);
    follow.setWaitNs(wish.waitNs);
    follow.setUntil(wish.until);
    follow.setReleaseTo(wish.releaseTo);
    return request.send().then([this](auto&& response) -> Answer {
      requireNoError(response);
      keepStatus(response.getProgress().getStatus());
      auto copy = kj::heap<capnp::MallocMessageBuilder>();
      copy->setRoot(response.getProgress());
      return copy;
    });
  };
  auto over = [this]() -> kj::Promise<Answer> {
    auto copy = kj::heap<capnp::MallocMessageBuilder>();
    copy->initRoot<wire::JobProgress>().setStatus(status());
    return Answer(kj::mv(copy));
  };
  return pass<Answer>(attempt, over).attach(kj::addRef(*this));
}

kj::Promise<uint64_t> DetachedJob::writeInput(wire::Chunk::Reader chunk, bool end) {
  // Kept for a second attempt; at most a chunk's size.
  auto held =
      std::make_shared<std::string>(chunk.getData().asChars().begin(), chunk.getData().size());
  auto attempt = [this, held, offset = chunk.getOffset(), crc = chunk.getCrc32c(),
                  end](wire::Jobs::Client client) {
    auto request = client.writeInputRequest();
    request.setNumber(number());
    auto copy = request.initChunk();
    copy.setOffset(offset);
    copy.setCrc32c(crc);
    copy.setData(kj::arrayPtr(reinterpret_cast<const kj::byte*>(held->data()), held->size()));
    request.setEnd(end);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getAcceptedTo();
    });
  };
  // As a job that closed its input: accepts and drops.
  uint64_t all = chunk.getOffset() + chunk.getData().size();
  auto over = [all]() -> kj::Promise<uint64_t> { return all; };
  return pass<uint64_t>(attempt, over).attach(kj::addRef(*this));
}

kj::Promise<void> DetachedJob::signal(int signalNumber, wire::Jobs::Target target) {
  auto attempt = [this, signalNumber, target](wire::Jobs::Client client) {
    auto request = client.signalRequest();
    request.setNumber(number());
    request.setSignal(signalNumber);
    request.setTarget(target);
    return done(request.send());
  };
  return pass<bool>(attempt, nothing).ignoreResult().attach(kj::addRef(*this));
}

kj::Promise<void> DetachedJob::cancel(int64_t graceNs) {
  auto attempt = [this, graceNs](wire::Jobs::Client client) {
    auto request = client.cancelRequest();
    request.setNumber(number());
    request.setGraceNs(graceNs);
    return done(request.send());
  };
  return pass<bool>(attempt, nothing).ignoreResult().attach(kj::addRef(*this));
}

kj::Promise<void> DetachedJob::resize(uint16_t columns, uint16_t rows) {
  auto attempt = [this, columns, rows](wire::Jobs::Client client) {
    auto request = client.resizeRequest();
    request.setNumber(number());
    request.setColumns(columns);
    request.setRows(rows);
    return done(request.send());
  };
  return pass<bool>(attempt, nothing).ignoreResult().attach(kj::addRef(*this));
}

kj::Promise<void> DetachedJob::cancelLeft(int64_t graceNs) {
  auto attempt = [this, graceNs](wire::Jobs::Client client) {
    auto request = client.cancelOfRequest();
    request.setSessionId(shimSessionId().data());
    request.setNumber(number());
    request.setGraceNs(graceNs);
    return done(request.send());
  };
  return pass<bool>(attempt, nothing).ignoreResult().attach(kj::addRef(*this));
}

// The shim knows whether it has ended; a keeper that has just begun does not.
kj::Promise<void> DetachedJob::acknowledge() {
  if (status().getState() == wire::JobStatus::State::ENDED) isAcknowledged_ = true;
  auto attempt = [this](wire::Jobs::Client client) {
    auto request = client.acknowledgeRequest();
    request.initNumbers(1).set(0, number());
    return done(request.send());
  };
  auto over = [this]() -> kj::Promise<bool> {
    isAcknowledged_ = true;
    forget();
    return true;
  };
  return pass<bool>(attempt, over).ignoreResult().attach(kj::addRef(*this));
}

kj::Promise<void> DetachedJob::look() {
  KJ_IF_MAYBE (rpc, rpc_) {
    auto request = (*rpc)->bootstrap().castAs<wire::JobView>().listRequest();
    auto answered = request.send().then([this](auto&& response) {
      requireNoError(response);
      readSummary(response);
    });
    return answered
        .exclusiveJoin(context_.timer.afterDelay(kLookMax))
        // What was known stays: a list is no reason to wait for a shim that was just killed.
        .catch_([](kj::Exception&&) {})
        .attach(kj::addRef(*this));
  }
  return kj::READY_NOW;
}

void DetachedJob::readSummary(wire::JobView::ListResults::Reader answer) {
  auto jobs = answer.getJobs();
  isAlive_ = false;
  processCount_ = 0;
  if (jobs.size() == 0) isAcknowledged_ = true;
  for (auto job : jobs) {
    isAlive_ = job.getAlive();
    processCount_ = job.getProcesses();
    if (job.getAcknowledged()) isAcknowledged_ = true;
    keepStatus(job.getStatus());
  }
}

}  // namespace nodeagent
