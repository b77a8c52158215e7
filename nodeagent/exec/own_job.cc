#include "nodeagent/exec/own_job.h"

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

// Returns the offset below which the caller has stored standard output. A caller that asks for
// ranges asks ahead of what it has, and says how much that is.
uint64_t storedTo(wire::Follow::Reader follow) {
  return follow.getBytesMin() > 0 ? follow.getOutputStoredTo() : follow.getOutputFrom();
}

}  // namespace

OwnJob::OwnJob(const JobContext& context, Owner& owner, Session& session, uint64_t processOwner,
               uint64_t number, JobSpec spec)
    : limits_(context.limits),
      owner_(owner),
      sessionId_(session.id()),
      identity_(kj::str(session.identity())),
      labels_(join(session.labels(), spec.labels)),
      job_(kj::refcounted<Job>(context, static_cast<Job::Listener&>(*this), processOwner, number,
                               kj::mv(spec))) {}

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
