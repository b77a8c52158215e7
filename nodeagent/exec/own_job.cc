#include "nodeagent/exec/own_job.h"

#include <string.h>

#include "nodeagent/exec/job_status.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

using Kind = wire::Error::Kind;

kj::Array<Label> join(kj::ArrayPtr<const Label> session, kj::ArrayPtr<const Label> own) {
  kj::Vector<Label> labels;
  for (auto part : {session, own}) {
    for (auto& label : part) labels.add(Label{kj::str(label.name), kj::str(label.value)});
  }
  return labels.releaseAsArray();
}

// Output that comes within this time after the first process has ended is told with its end.
constexpr auto kLastOutputWait = 20 * kj::MILLISECONDS;

kj::String lastOf(const OutputStream* stream) {
  return stream == nullptr ? kj::String() : stream->lastBytes();
}

kj::StringPtr stopText(StopReason reason) {
  switch (reason) {
    case StopReason::kNone:
      break;
    case StopReason::kDeadline:
      return ", because its deadline passed";
    case StopReason::kCancelled:
      return ", because the test ended it";
    case StopReason::kOutputLimit:
      return ", because it wrote too much";
    case StopReason::kSessionEnded:
      return ", because its session ended";
  }
  return "";
}

kj::String howEnded(const Job& job) {
  KJ_IF_MAYBE (failure, job.notStarted()) return kj::str("was not started: ", failure->text);
  auto& exit = job.exit();
  if (!exit.signalled) return kj::str("exited with status ", exit.value, stopText(job.reason()));
  const char* name = sigabbrev_np(exit.value);
  return kj::str("was killed by SIG", name == nullptr ? "?" : name, stopText(job.reason()));
}

// Returns the offset below which the caller has stored standard output. A caller that asks for
// ranges asks ahead of what it has, and says how much that is.
uint64_t storedTo(wire::Follow::Reader follow) {
  return follow.getBytesMin() > 0 ? follow.getOutputStoredTo() : follow.getOutputFrom();
}

}  // namespace

OwnJob::OwnJob(const JobContext& context, Owner& owner, Session& session, uint64_t processOwner,
               uint64_t number, JobSpec spec)
    : limits_(context.limits),
      timer_(context.timer),
      owner_(owner),
      session_(session.addRef()),
      commands_(context.commands),
      sessionId_(session.id()),
      identity_(kj::str(session.identity())),
      labels_(join(session.labels(), spec.labels)),
      job_(kj::refcounted<Job>(context, static_cast<Job::Listener&>(*this), processOwner, number,
                               kj::mv(spec))) {}

kj::String OwnJob::identify(Job& job) {
  if (commands_ == nullptr) return kj::String();
  return entry_.emplace(commands_->enter(*session_, job.number(), job.spec().shownArgv))->proof();
}

// Nothing is kept of output that was fetched, so what the last lines are is asked for while the job
// lives. A process that was killed has written them before, but the pipe may hold them still.
void OwnJob::exited(Job&) {
  KJ_IF_MAYBE (entry, entry_) {
    if (!(*entry)->command().isWatched()) return;
    telling_ =
        timer_.afterDelay(kLastOutputWait).then([this]() { tellEnd(); }).eagerlyEvaluate(nullptr);
  }
}

void OwnJob::ended(Job&) {
  tellEnd();
  owner_.ended(*this);
}

void OwnJob::gone(Job&) {
  entry_ = nullptr;
  owner_.gone(*this);
}

void OwnJob::tellEnd() {
  KJ_IF_MAYBE (entry, entry_) {
    Job& job = *job_;
    (*entry)->end({howEnded(job), lastOf(job.output()), lastOf(job.errors())});
  }
}

kj::Promise<void> OwnJob::follow(wire::Follow::Reader follow, kj::Own<ProgressAnswer> answer) {
  Job& job = *job_;
  auto wish = readFollow(follow, job, limits_);
  if (follow.getReleaseTo()) job.release(storedTo(follow), wish.errorsFrom);
  return job.waitFor(wish)
      .then([wish, &job, answer = kj::mv(answer)]() mutable -> kj::Promise<void> {
        auto reading = writeProgress(job, wish, answer->init(progressWords(job, wish)));
        KJ_IF_MAYBE (promise, reading) return promise->attach(kj::mv(answer));
        return kj::READY_NOW;
      })
      .attach(kj::addRef(job));
}

kj::Promise<uint64_t> OwnJob::writeInput(wire::Chunk::Reader chunk, AfterInput after) {
  if (support::crc32c(chunk.getData()) != chunk.getCrc32c()) {
    support::fail(Kind::CORRUPT, "chunk.crc32c: does not match the ", chunk.getData().size(),
                  " bytes at ", chunk.getOffset());
  }
  return job_->writeInput(chunk.getOffset(), kj::heapArray<kj::byte>(chunk.getData()), after);
}

kj::Promise<void> OwnJob::signal(int number, wire::Jobs::Target target) {
  return job_->signal(number, target).then([number, jobNumber = job_->number()](int result) {
    if (result != 0) support::failErrno(result, "send signal ", number, " to job ", jobNumber);
  });
}

kj::Promise<void> OwnJob::cancel(int64_t graceNs) {
  job_->stop(StopReason::kCancelled,
             graceNs < 0 ? job_->spec().graceNs : kj::min(graceNs, kGraceMaxNs));
  return kj::READY_NOW;
}

kj::Promise<void> OwnJob::resize(uint16_t columns, uint16_t rows) {
  job_->resize(columns, rows);
  return kj::READY_NOW;
}

void OwnJob::writeStatus(wire::JobView::Summary::Builder summary) {
  exec::writeStatus(*job_, summary.initStatus());
}

}  // namespace nodeagent::exec
