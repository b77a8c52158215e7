#include "nodeagent/exec/detached_job.h"

#include <capnp/message.h>
#include <kj/debug.h>

#include "nodeagent/exec/job_limits.h"
#include "nodeagent/exec/job_spec.h"
#include "nodeagent/os/process_set.h"
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
      link_(context, files_, *this) {
  auto spec = readJobSpec(recordIn(*message_).getSpec());
  spec.trim();
  hash_ = spec.hash;
  argv_ = kj::mv(spec.argv);
}

DetachedJob::~DetachedJob() noexcept(false) = default;

void DetachedJob::begin(kj::Function<void()> over) {
  over_ = kj::mv(over);
  link_.begin();
}

// Writes the record before the change takes effect here, so that a later keeper never knows less
// than a caller was told. It is read back because the record in memory is only a reader of the
// file's bytes.
void DetachedJob::giveTo(const support::Id& sessionId) {
  capnp::MallocMessageBuilder changed;
  changed.setRoot(recordIn(*message_));
  changed.getRoot<wire::DetachedRecord>().setSessionId(sessionId.data());
  files_.write("record", changed);
  KJ_IF_MAYBE (written, files_.read("record")) {
    message_ = kj::mv(*written);
    sessionId_ = sessionId;
  } else {
    support::fail(wire::Error::Kind::SYSTEM, "read the record of job ", number_, " again");
  }
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
  if (!files_.exists()) return kj::READY_NOW;
  return context_.worker.run([group = kj::str(group_)]() { ProcessSets::killLeftovers(group); })
      .then([this]() {
        KJ_IF_MAYBE (stored, files_.read("exit")) {
          status_.keep((*stored)->getRoot<wire::JobStatus>());
        }
      });
}

// Decides the outcome. A job without a claim was never begun. With a claim it was begun or may have
// been, and is lost unless `exit` told how it ended.
void DetachedJob::linkOver() {
  bool neverBegun = files_.exists() && !files_.isClaimed();
  status_.conclude(neverBegun ? DetachedStatus::Begun::kNo : DetachedStatus::Begun::kPerhaps);
  isAlive_ = false;
  processCount_ = 0;
  if (isAcknowledged_ || !files_.exists()) forget();
}

void DetachedJob::forget() {
  files_.remove();
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
    forget();
    return kj::READY_NOW;
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
