// Commands over a connection that may break: started once, followed by offset, checked by CRC and
// digest.
#pragma once

#include <stdint.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <muster/result.h>
#include <muster/signal_target.h>

#include "harness/rpc/connection.h"
#include "harness/rpc/job/job_request.h"
#include "harness/rpc/job/read_ahead.h"
#include "schema/job.capnp.h"
#include "schema/support/base/sha256.h"

namespace harness {

// One output stream as it arrives.
struct StreamState {
  uint64_t from = 0;  // Offset after the last byte that came.
  bool whole = true;  // Every byte from 0 to `from` went through `hash`.
  support::Sha256 hash;
  bool complete = false;  // Nothing more will come.
};

// Shared by the rpc::Job and the promises that work on it, whichever lives longer. Touched on the
// io thread, and by the caller of pull between two pulls.
struct JobState {
  uint64_t number = 0;
  JobRequest request;
  std::string node;
  uint64_t generation = 0;  // Of the session that it was sent in. 0: it was not sent yet.
  bool started = false;     // The agent has answered for it.
  bool ended = false;       // The result is complete.
  bool endKnown = false;    // Its outcome is; output may still be missing.
  StreamState out;
  StreamState err;
  uint64_t inputOffset = 0;
  uint32_t rangeBytes = 0;     // Above 0: standard output comes in ranges of so many bytes.
  uint64_t aheadBytesMax = 0;  // As the agent said last.
  unsigned badAnswers = 0;     // In succession.
  SteadyTime deadlineAt = SteadyTime::max();  // From the first answer on; before, by the sending.
  muster::Result result;
};

using JobHandle = std::shared_ptr<JobState>;

// What follows the bytes that are written to standard input.
enum class AfterInput { kStaysOpen, kEnds };

// Whether the node may forget the output that was fetched.
enum class Release { kNo, kYes };

// The commands of one node. On the io thread.
class JobRunner {
 public:
  // Borrows `connection`.
  explicit JobRunner(Connection& connection);

  // A command that was not sent yet. Failure kInvalid if the request can never work.
  JobHandle make(const JobRequest& request);

  // See Job::pull. Sends the command if that was not done.
  kj::Promise<bool> pull(JobHandle job, PullUntil what, SteadyTime until);

  // Sends the command and waits until it runs or is known not to.
  kj::Promise<void> start(JobHandle job, SteadyTime until);

  // Fetches status and output without waiting for the command.
  kj::Promise<void> refresh(JobHandle job, SteadyTime until);

  // Runs to the end, or to `until`. Unless the command could be sent by its deadline, kUnreachable.
  // At `until`: a result that is stillEnding if the agent has said so much, otherwise kTimeout with
  // what is known. What goes on then is left to abandon().
  kj::Promise<muster::Result> run(const JobRequest& request, SteadyTime until);

  // Nobody waits for the command any more: ends it in the background, unless it is detached, and
  // lets the agent forget it.
  void abandon(JobHandle job);

  // As Job::cancelLater.
  void cancelLater(JobHandle job, std::chrono::nanoseconds grace);

  kj::Promise<void> writeInput(JobHandle job, std::string bytes, AfterInput after,
                               SteadyTime until);
  kj::Promise<void> signal(JobHandle job, int number, muster::SignalTarget target,
                           SteadyTime until);
  kj::Promise<void> cancel(JobHandle job, std::chrono::nanoseconds grace, SteadyTime until);
  kj::Promise<void> resize(JobHandle job, uint16_t columns, uint16_t rows, SteadyTime until);

  // As Job::release. Of a detached command: tells the node by itself, since no session's end
  // would.
  void release(JobHandle job);

  // Resolves when the node has been told of all that was released so, or at `until`: to be waited
  // for before the session is closed, by whose end the node would not know. One at a time.
  kj::Promise<void> released(SteadyTime until);

 private:
  enum class Step { kNothing, kProgress, kEnded };

  SteadyTime now() const;
  std::chrono::nanoseconds left(SteadyTime until) const;
  SteadyTime deadlineFrom(const JobState& job) const;
  kj::Promise<Step> step(EstablishedConnection& live, JobHandle job, PullUntil what,
                         std::chrono::nanoseconds wait);
  kj::Promise<Step> stepAhead(EstablishedConnection& live, JobHandle job,
                              std::chrono::nanoseconds wait, Release release);
  Step absorbFollow(JobState& job, wire::Jobs::FollowResults::Reader results,
                    uint32_t chunkBytesMax);
  Step absorb(JobState& job, wire::JobProgress::Reader progress);
  void chooseRange(JobState& job, wire::JobProgress::Reader progress, uint32_t chunkBytesMax);
  kj::Promise<muster::Result> runSent(JobHandle job, SteadyTime until);
  muster::Result resultAt(JobHandle job);
  kj::Promise<void> settle(JobHandle job, SteadyTime until);
  bool take(JobState& job, StreamState& stream, std::string& target, wire::Chunk::Reader chunk);
  bool lostMeanwhile(EstablishedConnection& live, JobState& job);
  kj::Promise<bool> adopt(EstablishedConnection& live, JobHandle job);
  kj::Promise<bool> ready(EstablishedConnection& live, JobHandle job);
  template <typename Send>
  kj::Promise<void> tell(JobHandle job, SteadyTime until, Send send);
  void finish(JobState& job, wire::JobStatus::Reader status);

  Connection& connection_;
  uint64_t numberNext_ = 1;
  uint64_t spentGeneration_ = 0;
  std::vector<uint64_t> spent_;  // To be acknowledged with the next command of spentGeneration_.
  std::map<uint64_t, ReadAhead> ahead_;  // By number, of commands with much output.

  // Last: what goes on without a caller ends before the rest.
  kj::Own<kj::TaskSet::ErrorHandler> backgroundErrors_;
  kj::Own<kj::TaskSet> background_;
  kj::Own<kj::TaskSet> releases_;
};

// schema <-> values. Declared here, defined in job_spec.cc.
void writeSpec(wire::JobSpec::Builder spec, const JobRequest& request);
muster::Outcome readOutcome(wire::JobOutcome::Reader outcome);

}  // namespace harness
