// One command from its start to its one outcome, with everything that its processes may leave
// behind. Knows nothing of messages (job_status.h) and nothing of other jobs (job_table.h).
#pragma once

#include <stdint.h>

#include <kj/async-unix.h>
#include <kj/refcount.h>
#include <kj/timer.h>

#include "nodeagent/exec/change_signal.h"
#include "nodeagent/exec/input_stream.h"
#include "nodeagent/exec/job_spec.h"
#include "nodeagent/exec/output_stream.h"
#include "nodeagent/os/clock.h"
#include "nodeagent/os/process_set.h"
#include "nodeagent/os/spawner.h"
#include "nodeagent/os/terminal.h"
#include "nodeagent/os/worker.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {

// What all jobs of a keeper share. Everything outlives the jobs.
struct JobContext {
  kj::UnixEventPort& port;
  kj::Timer& timer;
  const Clock& clock;
  ProcessSets& sets;
  Spawner& spawner;
  Spool& spool;
  Worker& worker;
  UserDatabase& users;
  const JobLimits& limits;
  kj::AutoCloseFd& nothing;  // /dev/null for jobs without input, opened by the first.
};

// Why the agent ended a job.
enum class StopReason { kNone, kDeadline, kCancelled, kOutputLimit, kSessionEnded };

// What a caller waits for; see Follow in the schema.
struct FollowWish {
  uint64_t outputFrom = 0;
  uint64_t errorsFrom = 0;
  uint64_t bytesMax = 0;
  uint64_t bytesMin = 0;
  int64_t waitNs = 0;
  wire::Follow::Until until = wire::Follow::Until::CHANGE;
  bool gathers = false;  // Some of bytesMin are there, and the rest is waited for.
};

// Names processes that were killed and do not go.
support::Failure stillThere(kj::ArrayPtr<const pid_t> pids);

class Job final : public kj::Refcounted {
 public:
  struct Holder {
    pid_t pid = 0;
    kj::String command;
  };

  // Called once each, from the loop; none may destroy the job.
  class Listener {
   public:
    // It has a process: lookAtLaunch() wants to be called until it is true, or the job has ended.
    virtual void launching(Job& job) = 0;
    virtual void ended(Job& job) = 0;  // It has its outcome.
    virtual void gone(Job& job) = 0;   // And nothing of it runs any more.

   protected:
    ~Listener() = default;
  };

  // `owner` as in ProcessSets::make.
  Job(const JobContext& context, Listener& listener, uint64_t owner, uint64_t number, JobSpec spec);
  ~Job() noexcept(false);

  // Starts it. Whatever goes wrong becomes the outcome. Call once.
  void start();

  // Ends every process: TERM, after `graceNs` KILL; 0: KILL at once. Asking again can only shorten
  // the grace. The first reason given before the command ended by itself makes the outcome.
  void stop(StopReason reason, int64_t graceNs);

  // For the end of its session: resolves when nothing of it runs, or to what does nevertheless.
  kj::Promise<kj::Maybe<support::Failure>> endWithSession();

  // Sends a signal to the first process or to all. 0, or an errno; ESRCH is nothing to report.
  int signal(int number, wire::Jobs::Target target);

  // Of a job with a terminal; fails with kind conflict otherwise.
  void resize(uint16_t columns, uint16_t rows);

  // As InputStream::accept. If nothing fits, waits for room for up to a second.
  kj::Promise<uint64_t> writeInput(uint64_t offset, kj::Array<kj::byte> bytes, bool end);

  // Resolves when the wish is fulfilled or its time is over. Offsets have been checked.
  kj::Promise<void> waitFor(FollowWish wish);

  // Lets output below the offsets go.
  void release(uint64_t outputTo, uint64_t errorsTo);

  // Its listener is going away: nothing of it goes on, and what still runs is killed.
  void abandon();

  // Deletes the retained output of an ended job.
  void forget();

  // Frees what its process needed on the way to its program, once it is there. False: it is still
  // under way.
  bool lookAtLaunch();

  uint64_t number() const { return number_; }
  const JobSpec& spec() const { return spec_; }
  bool hasEnded() const { return ended_; }
  bool isGone() const { return gone_; }
  StopReason reason() const { return reason_; }

  // Set when no process of the command ever ran.
  kj::Maybe<const support::Failure&> notStarted() const;
  const ExitReport& exit() const { return exit_; }
  MemoryKill memoryKill() const { return memoryKill_; }
  pid_t pid() const { return pid_; }
  int64_t startedRealtimeNs() const { return startedRealtimeNs_; }
  int64_t startedBoottimeNs() const { return startedBoottimeNs_; }
  int64_t elapsedNs() const;
  OutputStream* output() { return output_.get(); }
  const OutputStream* output() const { return output_.get(); }
  OutputStream* errors() { return errors_.get(); }
  const OutputStream* errors() const { return errors_.get(); }
  uint64_t inputAcceptedTo() const;
  kj::ArrayPtr<const Holder> holders() const { return holders_; }
  uint32_t leftRunning() const { return leftRunning_; }

  // Processes that run now. Asks the kernel.
  uint32_t processCount();

 private:
  struct ChildFiles;

  kj::Promise<void> resolveUser();
  kj::Promise<void> resolveGroup();
  kj::Promise<void> launch();
  void applyLimits();
  ChildFiles openFiles();
  kj::Promise<void> awaitExit(kj::Promise<void> readable);
  kj::Promise<void> leaderEnded();
  kj::Promise<void> drain(kj::TimePoint end);
  kj::Promise<void> drainFull();
  kj::Promise<void> nameHolders();
  void neverWait();
  void finish();
  void released();
  void outputChanged();
  void killAll();
  kj::Promise<void> waitUntil(FollowWish wish, kj::TimePoint end);
  kj::Promise<void> waitGone(kj::TimePoint end);
  bool satisfied(const FollowWish& wish) const;
  bool streamsEnded() const;
  bool streamsStalled() const;
  bool streamsFull() const;

  JobContext context_;
  Listener& listener_;
  uint64_t owner_;
  uint64_t number_;
  JobSpec spec_;
  ChangeSignal changed_;

  User user_;
  kj::Maybe<Credentials> credentials_;
  kj::Array<kj::String> environment_;  // Only until it is known whether the program runs.
  kj::Own<ProcessSet> processes_;      // Null once nothing of it runs.
  kj::Own<OutputStream> output_;       // Null if it was never launched.
  kj::Own<OutputStream> errors_;       // Null if merged.
  kj::Own<InputStream> input_;         // Null without input.
  kj::AutoCloseFd terminal_;
  kj::Own<Launch> launch_;
  kj::AutoCloseFd pidfd_;
  kj::Own<kj::UnixEventPort::FdObserver> exitObserver_;

  pid_t pid_ = 0;
  int64_t startedRealtimeNs_ = 0;
  int64_t startedBoottimeNs_ = 0;
  int64_t endedBoottimeNs_ = 0;  // Of the first process; 0: not yet.
  StopReason reason_ = StopReason::kNone;
  kj::Maybe<kj::TimePoint> killAt_;
  bool drainCut_ = false;  // Told to stop while only the output was waited for.
  bool ended_ = false;
  bool gone_ = false;
  kj::Maybe<support::Failure> notStarted_;
  ExitReport exit_;
  int64_t startedMonotonicNs_ = 0;
  MemoryKill memoryKill_ = MemoryKill::kNo;
  uint64_t keeperBytesMax_ = 0;  // The keeper's own size, which counts as the process's.
  uint32_t leftRunning_ = 0;
  bool leftNobody_ = false;  // Seen at the very end: no need to look again.
  kj::Array<Holder> holders_;

  // Last, so that they are dropped before what they use.
  kj::Promise<void> outputPump_ = nullptr;
  kj::Promise<void> errorsPump_ = nullptr;
  kj::Promise<void> inputPump_ = nullptr;
  kj::Promise<void> deadline_ = nullptr;
  kj::Promise<void> stopping_ = nullptr;
  kj::Promise<void> lingering_ = nullptr;
  kj::Promise<void> run_ = nullptr;
};

}  // namespace nodeagent
