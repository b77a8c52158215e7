// Commands over a connection that may break: started once, followed by offset, checked by CRC and
// digest.
//
// Over budget: it is one protocol, and what callers have to know of it.
#pragma once

#include <stdint.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <muster/result.h>
#include <muster/signal_target.h>

#include "harness/rpc/connection.h"
#include "harness/rpc/job/input_pace.h"
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

  // Every byte from here to `from` came: the end of the last gap.
  uint64_t gapTo = 0;

  // The bytes that came and are not held any more, because there was no capacity for them.
  uint64_t forgottenBytes = 0;
};

// Shared by the rpc::Job and the promises that work on it, whichever lives longer. Touched on the
// io thread, and by the caller of pull between two pulls.
struct JobState {
  uint64_t number = 0;
  SharedRequest request;

  ScopeHandle scope;
  std::string node;

  // The time that the command is allowed. Connecting may have taken some of what the request says.
  std::chrono::nanoseconds deadline{0};

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

  // The offset behind the last byte of input that the agent has accepted.
  uint64_t inputOffset = 0;
  InputPace inputPace;

  // The input of the request is being sent, or was.
  bool isFed = false;

  // Says why the input of the request could not be sent. The command is ended then.
  kj::Maybe<kj::Exception> inputFailure;

  // The bytes at the beginning of result.out that the caller has read. They are forgotten when
  // there is no capacity for more.
  size_t outReadBytes = 0;

  // The command is being ended, or is taken as ended, because it wrote more than is held.
  bool isOverLimit = false;

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

// Bytes of input, shared by the caller and the calls that send them, of several commands perhaps.
using SharedBytes = std::shared_ptr<const std::string>;

// The commands of one node. On the io thread.
class JobRunner {
 public:
  // Borrows both.
  JobRunner(Connection& connection, const ScopeStack& scopes);

  // Returns a command that is still to be sent. Failure kInvalid if the request can never work.
  JobHandle make(SharedRequest request);

  // The scope has ended, and the node forgets its commands.
  void forget(const Scope& scope) { spent_.erase(scope.number); }

  // Does what Job::pull does. Sends the command if that was not done. Ends a command that wrote
  // more than its result may hold, and waits for that.
  kj::Promise<bool> pull(JobHandle job, PullUntil what, SteadyTime until);

  // Sends the command and waits until it runs or is known not to. An input of the request that does
  // not go with it is sent from then on, in the background.
  kj::Promise<void> start(JobHandle job, SteadyTime until);

  // Fetches the status and the output of this moment without waiting for the command.
  kj::Promise<void> refresh(JobHandle job, SteadyTime until);

  // Runs to the end, or to `until`. Unless the command could be sent by its deadline, kUnreachable.
  // At `until` it gives a result that is stillEnding if the agent has said that it ends the
  // command, and otherwise fails with kTimeout and the state that is known. A command that goes on
  // then is left to abandon().
  kj::Promise<muster::Result> run(SharedRequest request, SteadyTime until);

  // Ends a command in the background that nobody waits for, unless it is detached, and lets the
  // agent forget it.
  void abandon(JobHandle job);

  void cancelLater(JobHandle job, std::chrono::nanoseconds grace);

  // Writes input, for a caller that pulls meanwhile. One call at a time.
  kj::Promise<void> writeInput(JobHandle job, SharedBytes bytes, AfterInput after,
                               SteadyTime until);

  // Does what Job::writeInput and Job::closeInput do, which is to pull meanwhile.
  kj::Promise<void> writeAndPull(JobHandle job, SharedBytes bytes, AfterInput after,
                                 SteadyTime until);
  kj::Promise<void> signal(JobHandle job, int number, muster::SignalTarget target,
                           SteadyTime until);
  kj::Promise<void> cancel(JobHandle job, std::chrono::nanoseconds grace, SteadyTime until);
  kj::Promise<void> resize(JobHandle job, uint16_t columns, uint16_t rows, SteadyTime until);

  // Goes on with work on these commands, which ends with this object at the latest.
  void spawn(kj::Promise<void> work) { background_->add(kj::mv(work)); }

  // Does what Job::release does. The node is told of a detached command by a call of its own, since
  // no session's end would tell it.
  void release(JobHandle job);

  // Tells whether a caller has the result of a command that a signal ended, and may judge it. The
  // last kToldMax of them are known.
  bool hasTold(uint64_t number) const { return told_.contains(number); }
  void endUnseen(uint64_t number) { told_.erase(number); }

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
                              std::chrono::nanoseconds wait);
  kj::Promise<Step> look(JobHandle job, SteadyTime until);
  kj::Promise<void> fetchTo(JobHandle job, uint64_t outTo, uint64_t errTo, SteadyTime until);
  kj::Promise<bool> endOverLimit(JobHandle job, SteadyTime until);
  Step absorbFollow(JobState& job, wire::Jobs::FollowResults::Reader results,
                    uint32_t chunkBytesMax);
  Step absorb(JobState& job, wire::JobProgress::Reader progress);
  void chooseRange(JobState& job, wire::JobProgress::Reader progress, uint32_t chunkBytesMax);
  kj::Promise<muster::Result> runSent(JobHandle job, SteadyTime until);
  muster::Result resultAt(JobHandle job);
  kj::Promise<void> settle(JobHandle job, SteadyTime until);
  bool take(JobState& job, StreamState& stream, std::string& target, wire::Chunk::Reader chunk);

  // Bytes of input that begin at an offset.
  struct Input {
    uint64_t begin = 0;
    SharedBytes bytes;
    AfterInput after = AfterInput::kStaysOpen;
  };
  kj::Promise<void> feed(JobHandle job, Input input, SteadyTime until);
  void feedRequested(JobHandle job);
  kj::Promise<void> pullForEver(JobHandle job, SteadyTime until);
  bool lostMeanwhile(EstablishedConnection& live, JobState& job);
  kj::Promise<bool> adopt(EstablishedConnection& live, JobHandle job);
  kj::Promise<bool> ready(EstablishedConnection& live, JobHandle job);
  template <typename Send>
  kj::Promise<void> tell(JobHandle job, SteadyTime until, Send send);
  void finish(JobState& job, wire::JobProgress::Reader progress);

  // The numbers of commands that the node may forget, sorted, and their session's generation. The
  // next command acknowledges them.
  struct Spent {
    uint64_t generation = 0;
    std::vector<uint64_t> numbers;
  };

  Spent& spentOf(const JobState& job) { return spent_[job.scope ? job.scope->number : 0]; }

  Connection& connection_;
  const ScopeStack& scopes_;
  uint64_t numberNext_ = 1;

  // By the number of the scope; 0 is the session itself.
  std::map<uint64_t, Spent> spent_;

  // The commands of hasTold().
  static constexpr size_t kToldMax = 4096;
  std::set<uint64_t> told_;

  // The readers of commands with much output, by number.
  std::map<uint64_t, ReadAhead> ahead_;

  // These come last, so that work without a caller ends before the members that it uses.
  kj::Own<kj::TaskSet::ErrorHandler> backgroundErrors_;
  kj::Own<kj::TaskSet> background_;
  kj::Own<kj::TaskSet> releases_;
};

// These convert between the schema and the values; they are defined in job_spec.cc.
void writeSpec(wire::JobSpec::Builder spec, const JobRequest& request);
muster::Outcome readOutcome(wire::JobOutcome::Reader outcome);

// Returns whether standard input is sent while the command runs, and not with the request.
bool isInputStreamed(const JobRequest& request);

// Fails with kind invalid, as the agent would, if the request can never work.
void requireValid(const JobRequest& request);

// These keep what a result holds below its limit; they are defined in job_hold.cc.

// Lets go of output beyond the limit that may go: what the caller has read, and under kKeepTail
// what is not among the last bytes.
void trimHeld(JobState& job);

// Returns whether nothing more can be held, so that only the status is asked for.
bool isFull(const JobState& job);

// Returns whether a command that is full has to be ended, because nobody would ever read on.
bool mustEnd(const JobState& job);

// Takes the output that there is as fetched, so that the agent forgets it and a command that is
// being ended is not held up by it.
void skipOutput(JobState& job, wire::JobStatus::Reader status);

// Gives the result of an ended command that wrote more than is held its outcome and counts.
void noteOverLimit(JobState& job);

}  // namespace harness
