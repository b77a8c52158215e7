// Keeps the jobs of every session: which numbers are taken or spent, how many may run at once, and
// how long results are kept. It does not know jobs that shims keep (detached_jobs.h), nor run a job
// (job.h).
//
// A job is known from start() until it is removed, and is in `SessionJobs::jobs` under its number.
// Its removal spends the number. A job of which processes are left then moves to `leftBehind_`
// until they are gone, and any other is destroyed.
#pragma once

#include <stdint.h>

#include <map>
#include <set>

#include <kj/async.h>
#include <kj/memory.h>

#include "nodeagent/exec/own_job.h"
#include "nodeagent/session/session.h"
#include "schema/support/base/id.h"

namespace nodeagent::exec {

class JobTable final : private OwnJob::Owner, private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    JobLimits limits;
    // Without a disk, output is bounded by memory alone.
    kj::Maybe<kj::Own<ScratchDisk>> spool;
    kj::Own<ProcessSets> sets;
    // As for UserDatabase.
    kj::String userRoot;
    // Outlives the table.
    Spawner* spawner = &systemSpawner();
    // Does what needs the spool's disk, and outlives the table. Null: the table's worker does.
    Worker* disk = nullptr;
    // Where the commands are entered, and outlives the table. Null: nowhere.
    Commands* commands = nullptr;
    // Where broken ends are entered, and outlives the table. Null: nowhere.
    Deaths* deaths = nullptr;
  };

  // Port, timer, clock and worker outlive the table.
  JobTable(kj::UnixEventPort& port, kj::Timer& timer, const Clock& clock, Worker& worker,
           Options options);

  // Kills all processes of the jobs.
  ~JobTable() noexcept(false);
  KJ_DISALLOW_COPY(JobTable);

  // Fails with kind overloaded unless the session may begin one more job. Enters into the session's
  // undo list what its end must do for the job besides ending it, before there is a process.
  void prepare(Session& session, const JobSpec& spec);

  // Starts the job. The caller has checked that the number is neither known nor spent, and has
  // called prepare().
  OwnJob& start(Session& session, uint64_t number, JobSpec spec);

  // Finds a job. Returns null if the number is not known or was acknowledged.
  kj::Maybe<OwnJob&> find(const support::Id& session, uint64_t number);

  // Finds a job. Fails with kind notFound and the reason instead of returning null.
  OwnJob& get(const support::Id& session, uint64_t number);

  // Finds a job like get(), and also one that was acknowledged and left processes running.
  OwnJob& getLeft(const support::Id& session, uint64_t number);

  // Removes the job if it has ended. Other numbers are ignored, as Jobs.acknowledge says.
  void acknowledge(const support::Id& session, uint64_t number);

  // Returns whether the number was used and is no longer known.
  bool isSpent(const support::Id& session, uint64_t number) const;

  // Spends the number of an acknowledged job that a shim keeps.
  void spendNumber(Session& session, uint64_t number) { spend(jobsOf(session), number); }

  // Calls `visit` until it returns false: first for each known job, the newest first, and then for
  // those that were acknowledged and left processes running.
  void visit(kj::FunctionParam<bool(OwnJob& job)> visit);

  const JobLimits& limits() const { return limits_; }
  size_t runningCount() const { return running_; }
  // Returns how many running jobs may still be on the way to their program.
  size_t launchingCount() const { return launching_.size(); }
  size_t knownCount() const { return order_.size(); }

  // Calls ProcessSets::close. No job is started afterwards.
  bool close(kj::Duration limit) { return sets_->close(limit); }

  // Deletes all output. The table is about to be destroyed, when nobody removes files any more.
  void deleteOutput();

  // Returns "cgroup" or "descent", which says how the processes of a job are found.
  kj::StringPtr grouping() const { return sets_->kind(); }
  const Spool& spool() const { return spool_; }

 private:
  struct Sweep final : public kj::Refcounted {
    // The sweep's entry in the session's undo list.
    kj::Own<Session::Entry> entry;
    bool isOver = false;
  };
  struct SessionJobs {
    kj::Own<Session> session;
    std::map<uint64_t, kj::Own<OwnJob>> jobs;
    size_t running = 0;
    // Is passed to ProcessSets::make.
    uint64_t owner = 0;
    // All numbers up to this one are spent, except those in `jobs`.
    uint64_t spentTo = 0;
    // Holds the spent numbers above `spentTo`.
    std::set<uint64_t> spent;
    kj::Maybe<kj::Own<Sweep>> sweep;
  };

  void launching(OwnJob& job) override;
  void ended(OwnJob& job) override;
  void gone(OwnJob& job) override;
  void taskFailed(kj::Exception&& exception) override;

  SessionJobs& jobsOf(Session& session);
  kj::Promise<void> lookAtLaunches(kj::Duration delay);
  void requireCapacity(const SessionJobs& jobs) const;

  // Enters the killing of processes that have left their jobs' sets into the session's undo list. A
  // job is gone when its set is empty, so nothing else looks for such processes.
  void sweepAtEnd(SessionJobs& jobs);
  void remove(OwnJob& job);
  bool removeOldestOfEndedSessions();
  static void spend(SessionJobs& jobs, uint64_t number);
  static bool isSpent(const SessionJobs& jobs, uint64_t number);

  JobLimits limits_;
  kj::Own<ProcessSets> sets_;
  Spool spool_;
  UserDatabase users_;
  kj::AutoCloseFd nothing_;
  JobContext context_;
  std::map<support::Id, SessionJobs> sessions_;
  // Finds known jobs by OwnJob::order.
  std::map<uint64_t, OwnJob*> order_;
  // Finds known jobs that have ended by OwnJob::endedOrder.
  std::map<uint64_t, OwnJob*> finished_;

  // Holds jobs that are no longer known and have processes left.
  std::map<const OwnJob*, kj::Own<OwnJob>> leftBehind_;

  // Holds jobs that may be on the way to their program. lookAtLaunches() removes them.
  std::set<OwnJob*> launching_;
  bool isLooking_ = false;
  kj::TimePoint nextLook_ = kj::origin<kj::TimePoint>();
  uint64_t nextOrder_ = 1;
  uint64_t nextOwner_ = 1;
  size_t running_ = 0;
  // Counts ended jobs of which processes are left.
  size_t lingering_ = 0;
  kj::TaskSet tasks_;
  kj::Promise<void> looking_ = nullptr;
};

}  // namespace nodeagent::exec
