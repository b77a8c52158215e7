// The jobs of every session that this process keeps itself: which numbers are taken or spent, what
// may run at once, and for how long results are kept. Jobs that other processes keep are
// detached_jobs.h.
#pragma once

#include <stdint.h>

#include <map>
#include <set>

#include <kj/async.h>
#include <kj/memory.h>

#include "nodeagent/exec/own_job.h"
#include "nodeagent/session/session.h"
#include "schema/support/base/id.h"

namespace nodeagent {

class JobTable final : private OwnJob::Owner, private kj::TaskSet::ErrorHandler {
 public:
  struct Options {
    JobLimits limits;
    kj::Maybe<kj::Own<ScratchDisk>> spool;  // Absent: output is bounded by memory alone.
    kj::Own<ProcessSets> sets;              // See ProcessSets::best.
    Spawner* spawner = &systemSpawner();    // Outlives the table.
  };

  // Port, timer, clock and worker outlive it.
  JobTable(kj::UnixEventPort& port, kj::Timer& timer, const Clock& clock, Worker& worker,
           Options options);

  // Kills whatever still runs.
  ~JobTable() noexcept(false);
  KJ_DISALLOW_COPY(JobTable);

  // Fails unless the session may begin a job more: overloaded. What the session's end must do for
  // the job of `spec` besides ending it, is registered now.
  void prepare(Session& session, const JobSpec& spec);

  // Starts the job. The number is neither known nor spent, and prepare() has been called.
  OwnJob& start(Session& session, uint64_t number, JobSpec spec);

  // Null: the number is not known, or was acknowledged.
  kj::Maybe<OwnJob&> find(const support::Id& session, uint64_t number);

  // Fails with kind notFound instead, and says why.
  OwnJob& get(const support::Id& session, uint64_t number);

  // Also finds a job that was acknowledged and left processes running.
  OwnJob& getLeft(const support::Id& session, uint64_t number);

  // See Jobs.acknowledge.
  void acknowledge(const support::Id& session, uint64_t number);

  // Whether the number was used and is known no longer.
  bool isSpent(const support::Id& session, uint64_t number) const;

  // Takes the number of a job that is kept elsewhere and was acknowledged.
  void spendNumber(Session& session, uint64_t number) { spend(jobsOf(session), number); }

  // Calls `visit` for each job, the newest first, then for those that were acknowledged and left
  // processes running, until it returns false.
  void visit(kj::FunctionParam<bool(OwnJob& job)> visit);

  const JobLimits& limits() const { return limits_; }
  size_t runningCount() const { return running_; }
  // Of these, those that may still be on the way to their program.
  size_t launchingCount() const { return launching_.size(); }
  size_t knownCount() const { return order_.size(); }

  // "cgroup" or "descent": how the processes of a job are found.
  kj::StringPtr grouping() const { return sets_->kind(); }
  const Spool& spool() const { return spool_; }

 private:
  struct Sweep final : public kj::Refcounted {
    kj::Own<Session::Entry> entry;  // In the session's undo list: see sweepAtEnd.
    bool isOver = false;
  };
  struct SessionJobs {
    kj::Own<Session> session;
    std::map<uint64_t, kj::Own<OwnJob>> jobs;
    size_t running = 0;
    uint64_t owner = 0;        // As in ProcessSets::make.
    uint64_t spentTo = 0;      // All numbers up to here are spent, but for those in `jobs`.
    std::set<uint64_t> spent;  // And these, above it.
    kj::Maybe<kj::Own<Sweep>> sweep;
  };

  void launching(OwnJob& job) override;
  void ended(OwnJob& job) override;
  void gone(OwnJob& job) override;
  void taskFailed(kj::Exception&& exception) override;

  SessionJobs& jobsOf(Session& session);
  kj::Promise<void> lookAtLaunches();
  void requireCapacity(const SessionJobs& jobs) const;

  // A job is over when its set is empty. What has left the set is killed at the session's end.
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
  std::map<uint64_t, OwnJob*> order_;     // By OwnJob::order.
  std::map<uint64_t, OwnJob*> finished_;  // By OwnJob::endedOrder.

  // Acknowledged, with processes that still run.
  std::map<const OwnJob*, kj::Own<OwnJob>> leftBehind_;

  // Those that did not end within a moment are looked at.
  std::set<OwnJob*> launching_;
  bool isLooking_ = false;
  uint64_t nextOrder_ = 1;
  uint64_t nextOwner_ = 1;
  size_t running_ = 0;
  size_t lingering_ = 0;  // Ended, but something of them runs.
  kj::TaskSet tasks_;
  kj::Promise<void> looking_ = nullptr;
};

}  // namespace nodeagent
