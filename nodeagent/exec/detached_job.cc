#include "nodeagent/exec/detached_job.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/debug.h>

#include "nodeagent/exec/job_limits.h"
#include "nodeagent/exec/job_spec.h"
#include "nodeagent/os/process_set.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

constexpr auto kWatchPause = 200 * kj::MILLISECONDS;
constexpr auto kLookMax = 1 * kj::SECONDS;

// The size of a progress without status and output.
constexpr uint64_t kProgressWords = 16;

wire::DetachedRecord::Reader recordIn(capnp::MessageReader& message) {
  return message.getRoot<wire::DetachedRecord>();
}

kj::Array<Label> labelsIn(wire::DetachedRecord::Reader record) {
  return KJ_MAP(label, record.getLabels()) {
    return Label{kj::str(label.getName()), kj::str(label.getValue())};
  };
}

template <typename Results>
void requireNoError(const Results& results) {
  if (results.hasError())
    kj::throwFatalException(support::toException(support::readError(results.getError())));
}

// Waits for an answer that carries nothing except an error.
template <typename Sent>
kj::Promise<void> done(Sent&& sent) {
  return sent.then([](auto&& response) { requireNoError(response); });
}

kj::Promise<void> nothing() {
  return kj::READY_NOW;
}

void logNotForgotten(kj::Exception&& exception) {
  support::log(support::Level::kError, "a detached job cannot be forgotten",
               {{"exception", exception.getDescription()}});
}

}  // namespace

DetachedJob::DetachedJob(const DetachedContext& context, DetachedFiles files,
                         kj::Own<capnp::MessageReader> message)
    : context_(context),
      files_(kj::mv(files)),
      message_(kj::mv(message)),
      number_(recordIn(*message_).getNumber()),
      sessionId_(support::Id::from(recordIn(*message_).getSessionId())),
      identity_(kj::str(recordIn(*message_).getIdentity())),
      labels_(labelsIn(recordIn(*message_))),
      group_(kj::str(recordIn(*message_).getGroup())),
      writing_(kj::Promise<void>(kj::READY_NOW).fork()),
      link_(context, files_, *this) {
  auto spec = readJobSpec(recordIn(*message_).getSpec());
  hash_ = spec.hash;
  shownArgv_ = kj::mv(spec.shownArgv);
}

DetachedJob::~DetachedJob() noexcept(false) = default;

void DetachedJob::begin(kj::Promise<void> recorded, kj::Function<void()> over) {
  over_ = kj::mv(over);
  link_.begin(kj::mv(recorded));
}

// Writes the record before the change takes effect here, so that a later keeper never knows less
// than a caller was told. It is read back because the record in memory is only a reader of the
// file's bytes.
kj::Promise<kj::Own<capnp::MessageReader>> DetachedJob::recordFor(const support::Id& owner) {
  capnp::MallocMessageBuilder changed;
  changed.setRoot(recordIn(*message_));
  changed.getRoot<wire::DetachedRecord>().setSessionId(owner.data());
  auto write = [files = DetachedFiles(files_.path()), words = capnp::messageToFlatArray(changed),
                number = number_]() {
    files.write("record", words);
    KJ_IF_MAYBE (written, files.read("record")) return kj::mv(*written);
    support::fail(wire::Error::Kind::SYSTEM, "read the record of job ", number, " again");
  };
  ++writes_;
  auto pair = kj::newPromiseAndFulfiller<void>();
  auto before = kj::mv(writing_);
  writing_ = pair.promise.fork();
  return before.addBranch()
      .then([this, write = kj::mv(write)]() mutable { return context_.disk.run(kj::mv(write)); })
      .attach(kj::defer([this, settled = kj::mv(pair.fulfiller)]() mutable {
        --writes_;
        settled->fulfill();
      }));
}

void DetachedJob::takeOver(kj::Own<capnp::MessageReader> record, kj::Own<Session> owner) {
  message_ = kj::mv(record);
  sessionId_ = owner->id();
  session = kj::mv(owner);
}

kj::Maybe<kj::Promise<void>> DetachedJob::recordSettled() {
  if (writes_ == 0) return nullptr;
  return writing_.addBranch();
}

kj::Promise<void> DetachedJob::shimReached(capnp::Capability::Client shim) {
  return watch(shim.castAs<wire::Jobs>());
}

// Keeps the status fresh for lists, for counts, and for the case that the shim is killed and this
// status is the last report. The pause keeps it from asking all the time, because a job that waits
// for its reader answers at once.
kj::Promise<void> DetachedJob::watch(wire::Jobs::Client shim) {
  auto request = shim.followRequest();
  request.setNumber(number_);
  auto follow = request.initFollow();
  follow.setUntil(wire::Follow::Until::ENDED);
  follow.setWaitNs(kFollowWaitMaxNs);
  return request.send().then([this, shim](auto&& response) mutable -> kj::Promise<void> {
    if (response.hasError()) {
      // The shim has forgotten the job, which only an acknowledgement does.
      isAcknowledged_ = true;
      return kj::READY_NOW;
    }
    status_.keep(response.getProgress().getStatus());
    if (status_.hasEnded()) return kj::READY_NOW;
    return context_.timer.afterDelay(kWatchPause).then([this, shim]() mutable {
      return watch(kj::mv(shim));
    });
  });
}

// Answers for the job from here on. A missing directory means that the job was forgotten, and its
// shim left in order. Otherwise the shim was killed or never came up. Processes that it left are
// killed, because nothing bounds them any more. A job that had ended before the shim has its last
// status in the file `exit`.
kj::Promise<void> DetachedJob::shimEnded() {
  struct Left {
    bool exists = false;
    bool isClaimed = true;
    kj::Maybe<kj::Own<capnp::MessageReader>> exit;
  };
  auto look = [files = DetachedFiles(files_.path()), group = kj::str(group_)]() {
    Left left;
    if (!files.exists()) return left;
    ProcessSets::killLeftovers(group);
    left.exit = files.read("exit");
    left.exists = files.exists();
    left.isClaimed = files.isClaimed();
    return left;
  };
  return context_.disk.run(kj::mv(look)).then([this](Left&& left) {
    isDirectoryLeft_ = left.exists;
    isClaimed_ = left.isClaimed;
    KJ_IF_MAYBE (stored, left.exit) status_.keep((*stored)->getRoot<wire::JobStatus>());
  });
}

// Decides the outcome. A job without a claim was never begun. With a claim it was begun or may have
// been, and is lost unless `exit` told how it ended.
void DetachedJob::linkOver() {
  bool neverBegun = isDirectoryLeft_ && !isClaimed_;
  status_.conclude(neverBegun ? DetachedStatus::Begun::kNo : DetachedStatus::Begun::kPerhaps);
  isAlive_ = false;
  processCount_ = 0;
  if (isAcknowledged_ || !isDirectoryLeft_) forgetting_ = forget().eagerlyEvaluate(logNotForgotten);
}

void DetachedJob::notRecorded() {
  isAlive_ = false;
  callOver();
}

// The job is known until its directory is gone, because a later keeper would find it there.
kj::Promise<void> DetachedJob::forget() {
  auto remove = [this]() {
    return context_.disk.run([files = DetachedFiles(files_.path())]() { files.remove(); });
  };
  return writing_.addBranch().then(kj::mv(remove)).then([this]() { callOver(); });
}

void DetachedJob::callOver() {
  auto over = kj::mv(over_);
  over_ = []() {};
  over();
}

kj::Promise<void> DetachedJob::follow(wire::Follow::Reader follow, kj::Own<ProgressAnswer> answer) {
  struct Asked final : public kj::Refcounted {
    Asked(wire::Follow::Reader wish, kj::Own<ProgressAnswer> to)
        : follow(capnp::clone(wish)), answer(kj::mv(to)) {}
    kj::Own<wire::Follow::Reader> follow;
    kj::Own<ProgressAnswer> answer;
  };
  auto asked = kj::refcounted<Asked>(follow, kj::mv(answer));
  auto attempt = [this, asked = kj::addRef(*asked)](capnp::Capability::Client shim) mutable {
    auto request = shim.castAs<wire::Jobs>().followRequest();
    request.setNumber(number_);
    request.setFollow(*asked->follow);
    return request.send().then([this, &asked = *asked](auto&& response) {
      requireNoError(response);
      status_.keep(response.getProgress().getStatus());
      // No ranges are offered, because one that is under way when the shim is killed could never be
      // answered.
      asked.answer->copy(response.getProgress()).setAheadBytesMax(0);
    });
  };
  auto over = [this, asked = kj::mv(asked)]() mutable -> kj::Promise<void> {
    uint64_t words = status_.reader().totalSize().wordCount + kProgressWords;
    asked->answer->init(words).setStatus(status_.reader());
    return kj::READY_NOW;
  };
  return link_.call<void>(kj::mv(attempt), kj::mv(over)).attach(kj::addRef(*this));
}

kj::Promise<uint64_t> DetachedJob::writeInput(wire::Chunk::Reader chunk, AfterInput after) {
  // The chunk is copied for a second attempt after a loss of the connection. The shim verifies its
  // check sum.
  auto attempt = [this, held = capnp::clone(chunk), after](capnp::Capability::Client shim) {
    auto request = shim.castAs<wire::Jobs>().writeInputRequest();
    request.setNumber(number_);
    request.setChunk(*held);
    request.setEnd(after == AfterInput::kEnds);
    return request.send().then([](auto&& response) {
      requireNoError(response);
      return response.getAcceptedTo();
    });
  };
  // A job without a shim accepts input and drops it, like a job that closed its input.
  uint64_t all = chunk.getOffset() + chunk.getData().size();
  auto over = [all]() -> kj::Promise<uint64_t> { return all; };
  return link_.call<uint64_t>(kj::mv(attempt), kj::mv(over)).attach(kj::addRef(*this));
}

kj::Promise<void> DetachedJob::signal(int signalNumber, wire::Jobs::Target target) {
  auto attempt = [this, signalNumber, target](capnp::Capability::Client shim) {
    auto request = shim.castAs<wire::Jobs>().signalRequest();
    request.setNumber(number_);
    request.setSignal(signalNumber);
    request.setTarget(target);
    return done(request.send());
  };
  return link_.call<void>(kj::mv(attempt), nothing).attach(kj::addRef(*this));
}

// Calls cancelOf, which also finds a job that was acknowledged and left processes running.
kj::Promise<void> DetachedJob::cancel(int64_t graceNs) {
  auto attempt = [this, graceNs](capnp::Capability::Client shim) {
    auto request = shim.castAs<wire::Jobs>().cancelOfRequest();
    request.setSessionId(shimSessionId().data());
    request.setNumber(number_);
    request.setGraceNs(graceNs);
    return done(request.send());
  };
  return link_.call<void>(kj::mv(attempt), nothing).attach(kj::addRef(*this));
}

kj::Promise<void> DetachedJob::resize(uint16_t columns, uint16_t rows) {
  auto attempt = [this, columns, rows](capnp::Capability::Client shim) {
    auto request = shim.castAs<wire::Jobs>().resizeRequest();
    request.setNumber(number_);
    request.setColumns(columns);
    request.setRows(rows);
    return done(request.send());
  };
  return link_.call<void>(kj::mv(attempt), nothing).attach(kj::addRef(*this));
}

// Asks the shim in any case, because a keeper that has just begun does not know whether the job has
// ended. Without a shim the record is all that is left, and it is removed.
kj::Promise<void> DetachedJob::acknowledge() {
  if (status_.hasEnded()) isAcknowledged_ = true;
  auto attempt = [this](capnp::Capability::Client shim) {
    auto request = shim.castAs<wire::Jobs>().acknowledgeRequest();
    request.initNumbers(1).set(0, number_);
    return done(request.send());
  };
  auto over = [this]() -> kj::Promise<void> {
    isAcknowledged_ = true;
    return forget();
  };
  return link_.call<void>(kj::mv(attempt), kj::mv(over)).attach(kj::addRef(*this));
}

void DetachedJob::writeStatus(wire::JobView::Summary::Builder summary) {
  summary.setStatus(status_.reader());
}

kj::Promise<void> DetachedJob::look() {
  KJ_IF_MAYBE (shim, link_.shim()) {
    auto request = shim->castAs<wire::JobView>().listRequest();
    auto answered = request.send().then([this](auto&& response) {
      requireNoError(response);
      readSummary(response);
    });
    return answered
        .exclusiveJoin(context_.timer.afterDelay(kLookMax))
        // A failure leaves the last known state, because a list must not wait for a shim that was
        // just killed.
        .catch_([](kj::Exception&&) {})
        .attach(kj::addRef(*this));
  }
  return kj::READY_NOW;
}

// A shim lists its one job until that was acknowledged and no process of it is left.
void DetachedJob::readSummary(wire::JobView::ListResults::Reader answer) {
  auto jobs = answer.getJobs();
  isAlive_ = false;
  processCount_ = 0;
  if (jobs.size() == 0) isAcknowledged_ = true;
  for (auto job : jobs) {
    isAlive_ = job.getAlive();
    processCount_ = job.getProcesses();
    if (job.getAcknowledged()) isAcknowledged_ = true;
    status_.keep(job.getStatus());
  }
}

}  // namespace nodeagent::exec
