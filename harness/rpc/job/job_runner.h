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
  // The offset behind the last byte that came.
  uint64_t from = 0;

  // Every byte from 0 to `from` went through `hash`.
  bool whole = true;
  support::Sha256 hash;

  // Nothing more will come.
  bool complete = false;
};

// Shared by the rpc::Job and the promises that work on it, whichever lives longer. Touched on the
// io thread, and by the caller of pull between two pulls.
struct JobState {
  uint64_t number = 0;
  JobRequest request;
  std::string node;

  // The generation of the session that the command was sent in. 0: it was not sent yet.
  uint64_t generation = 0;

  // The agent has answered for the command.
  bool started = false;

  // The result is complete.
  bool ended = false;

  // The outcome is known; output may still be missing.
  bool endKnown = false;
  StreamState out;
  StreamState err;
  uint64_t inputOffset = 0;

  // The size of a range of standard output. 0: output comes by plain answers.
  uint32_t rangeBytes = 0;

  // The limit that the agent gave last.
  uint64_t aheadBytesMax = 0;

  // Bad answers in succession.
  unsigned badAnswers = 0;

  // Counted from the first answer, and before that from the first sending.
  SteadyTime deadlineAt = SteadyTime::max();
  muster::Result result;
};

using JobHandle = std::shared_ptr<JobState>;

// Whether standard input stays open behind the bytes that are written.
enum class AfterInput { kStaysOpen, kEnds };

// Whether the node may forget the output that was fetched.
enum class Release { kNo, kYes };

// The commands of one node. On the io thread.
class JobRunner {
 public:
  // Borrows `connection`.
  explicit JobRunner(Connection& connection);

  // Returns a command that is still to be sent. Failure kInvalid if the request can never work.
  JobHandle make(const JobRequest& request);

  // Does what Job::pull does. Sends the command if that was not done.
  kj::Promise<bool> pull(JobHandle job, PullUntil what, SteadyTime until);

  // Sends the command and waits until it runs or is known not to.
  kj::Promise<void> start(JobHandle job, SteadyTime until);

  // Fetches status and output without waiting for the command.
  kj::Promise<void> refresh(JobHandle job, SteadyTime until);

  // Runs to the end, or to `until`. Unless the command could be sent by its deadline, kUnreachable.
  // At `until` it gives a result that is stillEnding if the agent has said that it ends the
  // command, and otherwise fails with kTimeout and the state that is known. A command that goes on
  // then is left to abandon().
  kj::Promise<muster::Result> run(const JobRequest& request, SteadyTime until);

  // Ends a command in the background that nobody waits for, unless it is detached, and lets the
  // agent forget it.
  void abandon(JobHandle job);

  // Does what Job::cancelLater does.
  void cancelLater(JobHandle job, std::chrono::nanoseconds grace);

  kj::Promise<void> writeInput(JobHandle job, std::string bytes, AfterInput after,
                               SteadyTime until);
  kj::Promise<void> signal(JobHandle job, int number, muster::SignalTarget target,
                           SteadyTime until);
  kj::Promise<void> cancel(JobHandle job, std::chrono::nanoseconds grace, SteadyTime until);
  kj::Promise<void> resize(JobHandle job, uint16_t columns, uint16_t rows, SteadyTime until);

  // Does what Job::release does. The node is told of a detached command by a call of its own, since
  // no session's end would tell it.
  void release(JobHandle job);

  // Resolves when the node has been told of all detached commands that were released, or at
  // `until`. Wait for it before the session is closed, whose end tells the node nothing of them.
  // One call at a time.
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

  // Numbers to be acknowledged with the next command of spentGeneration_, sorted.
  std::vector<uint64_t> spent_;

  // The readers of commands with much output, by number.
  std::map<uint64_t, ReadAhead> ahead_;

  // These come last, so that work without a caller ends before the members that it uses.
  kj::Own<kj::TaskSet::ErrorHandler> backgroundErrors_;
  kj::Own<kj::TaskSet> background_;
  kj::Own<kj::TaskSet> releases_;
};

// These two convert between the schema and the values; they are defined in job_spec.cc.
void writeSpec(wire::JobSpec::Builder spec, const JobRequest& request);
muster::Outcome readOutcome(wire::JobOutcome::Reader outcome);

}  // namespace harness
