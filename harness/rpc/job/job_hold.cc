// Keeps what the result of a command holds below its limit.
//
// The agent forgets what was fetched, so this side alone decides what becomes of more. A command
// that keeps its last output loses the oldest here. One that keeps its first output is only waited
// for: the agent drops the rest. Any other command could never write on, and is ended.
#include <algorithm>

#include "harness/rpc/job/job_runner.h"

namespace harness {
namespace {

// The agent's, for RunOptions::outputBytesMax 0.
constexpr uint64_t kRetainedBytesDefault = 64 << 20;

// The times of the bytes that kKeepTail asks for that are held before the oldest go: each byte is
// then moved once.
constexpr uint64_t kTailsHeld = 2;

uint64_t tailBytes(const JobState& job) {
  uint64_t asked = job.request->options.outputBytesMax;
  return asked == 0 ? kRetainedBytesDefault : asked;
}

bool keepsTail(const JobState& job) {
  return job.request->options.overflow == muster::OutputOverflow::kKeepTail;
}

uint64_t heldBytesMax(const JobState& job) {
  uint64_t most = job.request->heldBytesMax;
  // Both streams have a tail.
  return keepsTail(job) ? std::max(most, 2 * kTailsHeld * tailBytes(job)) : most;
}

void forgetOldest(StreamState& stream, std::string& held, size_t count) {
  held.erase(0, count);
  stream.forgottenBytes += count;
}

}  // namespace

bool isFull(const JobState& job) {
  return job.request->output == JobOutput::kKeep &&
         job.result.out.size() + job.result.err.size() > heldBytesMax(job);
}

bool mustEnd(const JobState& job) {
  auto overflow = job.request->options.overflow;
  bool waits =
      overflow == muster::OutputOverflow::kBlock || overflow == muster::OutputOverflow::kKill;
  return waits && !job.isOverLimit && isFull(job);
}

void trimHeld(JobState& job) {
  if (!isFull(job)) return;
  size_t outGoes = job.outReadBytes;
  if (keepsTail(job)) {
    auto beyondTail = [&job](const std::string& held) {
      return held.size() - std::min<uint64_t>(held.size(), tailBytes(job));
    };
    outGoes = std::max(outGoes, beyondTail(job.result.out));
    forgetOldest(job.err, job.result.err, beyondTail(job.result.err));
  }
  forgetOldest(job.out, job.result.out, outGoes);
  job.outReadBytes -= std::min(outGoes, job.outReadBytes);
}

void skipOutput(JobState& job, wire::JobStatus::Reader status) {
  auto skip = [](StreamState& stream, wire::JobStatus::StreamStatus::Reader said) {
    stream.from = std::max(stream.from, said.getRetainedTo());
    stream.whole = false;
  };
  skip(job.out, status.getOutput());
  skip(job.err, status.getErrors());
}

void noteOverLimit(JobState& job) {
  job.isOverLimit = true;
  muster::Result& result = job.result;
  if (result.outcome.kind() != muster::Outcome::Kind::kLost) {
    result.outcome = muster::Outcome::killed(
        muster::Outcome::Kind::kOutputLimit, result.outcome.exitStatus(), result.outcome.signal(),
        "a result holds at most " + std::to_string(job.request->heldBytesMax) +
            " bytes of both streams");
  }
  result.outDroppedBytes = result.outProducedBytes - result.out.size();
  result.errDroppedBytes = result.errProducedBytes - result.err.size();
}

// Ends a command that would wait for ever for its output to be read. What it wrote beyond the limit
// is not fetched.
kj::Promise<bool> JobRunner::endOverLimit(JobHandle job, SteadyTime until) {
  job->isOverLimit = true;
  ahead_.erase(job->number);
  auto told = job->endKnown ? kj::Promise<void>(kj::READY_NOW)
                            : cancel(job, job->request->options.grace, until);
  return told.then([this, job, until]() { return pull(job, PullUntil::kEnded, until); });
}

}  // namespace harness
