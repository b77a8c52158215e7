// Runs one command from its start to its one outcome, and follows the processes that it leaves
// behind. It knows no messages (job_status.h does) and no other jobs (job_table.h).
//
// Over budget: the members are the states of one command, which end together.
#pragma once

#include <stdint.h>

#include <kj/async-unix.h>
#include <kj/refcount.h>
#include <kj/timer.h>

#include "nodeagent/exec/input_stream.h"
#include "nodeagent/exec/job_spec.h"
#include "nodeagent/exec/output_order.h"
#include "nodeagent/exec/output_stream.h"
#include "nodeagent/os/clock.h"
#include "nodeagent/os/process_set.h"
#include "nodeagent/os/spawner.h"
#include "nodeagent/os/terminal.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/change_signal.h"
#include "nodeagent/session/commands.h"
#include "nodeagent/session/deaths.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {

// Holds the parts that all jobs of a keeper share. They outlive the jobs.
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
  // Where commands and broken ends are entered. Null: nowhere, as in a shim.
  Commands* commands;
  Deaths* deaths;
  // /dev/null for jobs without input. The first such job opens it.
  kj::AutoCloseFd& nothing;
};

// Says why the agent ended a job.
enum class StopReason { kNone, kDeadline, kCancelled, kOutputLimit, kSessionEnded };

// Describes a wait of a caller, like Follow in the schema.
struct FollowWish {
  uint64_t outputFrom = 0;
  uint64_t errorsFrom = 0;
  uint64_t bytesMax = 0;
  uint64_t bytesMin = 0;
  int64_t waitNs = 0;
  wire::Follow::Until until = wire::Follow::Until::CHANGE;
  // True once some of `bytesMin` bytes have come, so that the wait for the rest is short.
  bool gathers = false;
};

// Returns a failure that names processes which were killed and still exist. It reads none of their
// memory, since they may hang.
support::Failure stillThere(kj::ArrayPtr<const pid_t> pids);

class Job final : public kj::Refcounted {
 public:
  struct Holder {
    pid_t pid = 0;
    kj::String command;
  };

  // Each method is called once at most, from the loop, and may not destroy the job.
  class Listener {
   public:
    // The job has a process. Call lookAtLaunch() now and then, until it returns true or the job has
    // ended.
    virtual void launching(Job& job) = 0;

    // Returns what goes behind the mark of the processes of a job that is about to be launched.
    virtual kj::String identify(Job& job) = 0;
    // The first process has ended, and some of its output may still come.
    virtual void exited(Job& job) = 0;
    // The job has its outcome.
    virtual void ended(Job& job) = 0;

    // No process of the job is left. It is called after ended().
    virtual void gone(Job& job) = 0;

   protected:
    ~Listener() = default;
  };

  // `owner` is passed to ProcessSets::make.
  Job(const JobContext& context, Listener& listener, uint64_t owner, uint64_t number, JobSpec spec);
  ~Job() noexcept(false);

  // Starts the job. A failure becomes its outcome. Call it once.
  void start();

  // Ends every process with TERM, and with KILL after `graceNs`. If that is 0, KILL comes at once.
  // Another call can only shorten the grace. The first reason that is given before the command ends
  // by itself decides the outcome.
  void stop(StopReason reason, int64_t graceNs);

  // Ends the job with its session. Resolves when no process of it is left, or to a failure that
  // names those that could not be killed in time.
  kj::Promise<kj::Maybe<support::Failure>> endWithSession();

  // Sends a signal to the first process or all. Resolves to 0, also if it has ended, or an errno.
  kj::Promise<int> signal(int number, wire::Jobs::Target target);

  // Resizes the terminal. Fails with kind conflict if the job has none.
  void resize(uint16_t columns, uint16_t rows);

  // Calls InputStream::accept, and waits for capacity for up to a second if nothing fits.
  kj::Promise<uint64_t> writeInput(uint64_t offset, kj::Array<kj::byte> bytes, AfterInput after);

  // Resolves when the wish is fulfilled or its time is over. The caller has checked the offsets.
  kj::Promise<void> waitFor(FollowWish wish);

  // Forgets the output below the offsets.
  void release(uint64_t outputTo, uint64_t errorsTo);

  // Stops everything and kills the processes, because the listener is about to be destroyed. The
  // listener is not called again.
  void abandon();

  // Deletes the retained output. The job has ended, or nothing will happen to it any more.
  void forget();

  // Frees what the process needed on the way to its program. Returns false while it is still on
  // that way, and can be called again.
  bool lookAtLaunch();

  uint64_t number() const { return number_; }
  const JobSpec& spec() const { return spec_; }
  bool hasEnded() const { return ended_; }
  bool isGone() const { return gone_; }
  StopReason reason() const { return reason_; }

  // Returns the reason if the program was never started.
  kj::Maybe<const support::Failure&> notStarted() const;
  // Returns the step of the start at which that happened.
  wire::JobOutcome::StartStep failedStep() const { return failedStep_; }
  const ExitReport& exit() const { return exit_; }
  MemoryKill memoryKill() const { return memoryKill_; }

  // Returns how many of its processes the kernel killed for lack of memory, where it counts them.
  // It is known when no process is left.
  uint64_t memoryKills() const { return memoryKills_; }
  pid_t pid() const { return pid_; }
  int64_t startedRealtimeNs() const { return startedRealtimeNs_; }
  int64_t startedBoottimeNs() const { return startedBoottimeNs_; }
  int64_t elapsedNs() const;
  OutputStream* output() { return output_.get(); }
  const OutputStream* output() const { return output_.get(); }
  OutputStream* errors() { return errors_.get(); }
  const OutputStream* errors() const { return errors_.get(); }
  const OutputOrder& order() const { return order_; }
  uint64_t inputAcceptedTo() const;
  kj::ArrayPtr<const Holder> holders() const { return holders_; }
  uint32_t leftRunning() const { return leftRunning_; }

  // Resolves to the processes that run, as ProcessSet::list does.
  kj::Promise<kj::Vector<pid_t>> list();

  // Counts the processes of the job with ProcessSet::list, for processCount().
  kj::Promise<void> look();

  // Returns the number of processes at the last look().
  uint32_t processCount() const { return gone_ ? 0 : processCount_; }

 private:
  struct ChildFiles;

  kj::Promise<void> resolveUser();
  kj::Promise<void> resolveGroup();
  kj::Promise<void> launch();
  void unprotectChildren();
  void applyLimits();
  ChildFiles openFiles();
  kj::Promise<void> awaitExit(kj::Promise<void> readable);
  kj::Promise<void> leaderEnded();
  kj::Promise<void> leftCounted(size_t count);
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
  bool streamsWaitForDisk() const;
  bool streamsFull() const;

  JobContext context_;
  Listener& listener_;
  uint64_t owner_;
  uint64_t number_;
  JobSpec spec_;
  ChangeSignal changed_;

  User user_;
  kj::Maybe<Credentials> credentials_;
  // Is kept until it is known whether the program was started.
  kj::Array<kj::String> environment_;
  // Is null before the launch, and once no process of the job is left.
  kj::Own<ProcessSet> processes_;
  // Is null if the job was never launched.
  kj::Own<OutputStream> output_;
  // Is null also if errors are merged into the output.
  kj::Own<OutputStream> errors_;
  OutputOrder order_;
  // Is null also if the job has no input.
  kj::Own<InputStream> input_;
  kj::AutoCloseFd terminal_;
  kj::Own<Launch> launch_;
  kj::AutoCloseFd pidfd_;
  kj::Own<kj::UnixEventPort::FdObserver> exitObserver_;

  pid_t pid_ = 0;
  int64_t startedRealtimeNs_ = 0;
  int64_t startedBoottimeNs_ = 0;
  // The time at which the first process ended, or 0 while it runs.
  int64_t endedBoottimeNs_ = 0;
  StopReason reason_ = StopReason::kNone;
  kj::Maybe<kj::TimePoint> killAt_;
  // The job was told to stop while it waited only for its output.
  bool drainCut_ = false;
  bool ended_ = false;
  bool gone_ = false;
  kj::Maybe<support::Failure> notStarted_;
  wire::JobOutcome::StartStep failedStep_ = wire::JobOutcome::StartStep::OTHER;
  ExitReport exit_;
  int64_t startedMonotonicNs_ = 0;
  MemoryKill memoryKill_ = MemoryKill::kNo;
  uint64_t memoryKills_ = 0;
  // The keeper's own largest size. The kernel counts it as the process's, which was a copy of the
  // keeper before it reached its program.
  uint64_t keeperBytesMax_ = 0;
  uint32_t leftRunning_ = 0;
  uint32_t processCount_ = 0;
  // No process was left when the first one ended, so finish() need not look again.
  bool leftNobody_ = false;
  kj::Array<Holder> holders_;

  // The promises are the last members, so that they are dropped before the members that they use.
  kj::Promise<void> outputPump_ = nullptr;
  kj::Promise<void> errorsPump_ = nullptr;
  kj::Promise<void> inputPump_ = nullptr;
  kj::Promise<void> deadline_ = nullptr;
  kj::Promise<void> stopping_ = nullptr;
  kj::Promise<void> signalling_ = nullptr;
  kj::Promise<void> unprotecting_ = nullptr;
  kj::Promise<void> lingering_ = nullptr;
  kj::Promise<void> run_ = nullptr;
};

}  // namespace nodeagent::exec
