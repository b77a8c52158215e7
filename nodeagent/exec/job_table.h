// All jobs of the keeper, of every session: which numbers are taken or spent, what may run at once,
// and for how long results are kept.
#pragma once

#include <stdint.h>

#include <map>
#include <set>

#include <kj/async.h>
#include <kj/memory.h>

#include "nodeagent/exec/job.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"
#include "schema/support/base/id.h"

namespace nodeagent {

class JobTable final : public Job::Listener, private kj::TaskSet::ErrorHandler {
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

  // What is known of a job besides the job itself.
  struct Entry {
    kj::Own<Job> job;
    support::Id session;
    kj::String identity;      // Who started it.
    kj::Array<Label> labels;  // The session's and its own.
    uint64_t order = 0;       // Of the start, over all sessions.
    uint64_t endedOrder = 0;  // Likewise of the end; 0: it runs.
    // In the session's undo list, as long as something of it runs.
    kj::Maybe<kj::Own<Session::Entry>> end;
  };

  // Starts the job, or finds it if the number was started with an equal spec. The audit line is
  // written before the start. Failures: expired (the session is ending, or the number is spent),
  // invalid, conflict, overloaded, and what the audit log throws.
  Job& run(Session& session, AuditLog& audit, uint64_t number, wire::JobSpec::Reader spec);

  // Fails unless the session may begin a job of that number, which is kept elsewhere: invalid,
  // conflict, expired.
  void requireFree(Session& session, uint64_t number);

  // That other job is forgotten.
  void spendNumber(Session& session, uint64_t number) { spend(jobsOf(session), number); }

  // Fails with kind notFound, or expired for a number that is spent.
  Job& get(const support::Id& session, uint64_t number);

  // Likewise, also if it was acknowledged and left processes running.
  Entry& entryOf(const support::Id& session, uint64_t number);

  // See Jobs.acknowledge.
  void acknowledge(const support::Id& session, capnp::List<uint64_t>::Reader numbers);

  enum class Known {
    kKept,         // Its output and outcome can be asked for.
    kAcknowledged  // Its number is spent; what it left behind runs.
  };

  // Calls `visit` for each job, the newest first, then for what acknowledged ones left running,
  // until it returns false.
  void visit(kj::FunctionParam<bool(Entry& entry, Known known)> visit);

  const JobLimits& limits() const { return limits_; }
  size_t runningCount() const { return running_; }
  // Of these, those that may still be on the way to their program.
  size_t launchingCount() const { return launching_.size(); }
  size_t knownCount() const { return order_.size(); }

  // "cgroup" or "descent": how the processes of a job are found.
  kj::StringPtr grouping() const { return sets_->kind(); }
  const Spool& spool() const { return spool_; }

 private:
  struct Key {
    support::Id session;
    uint64_t number = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Sweep final : public kj::Refcounted {
    kj::Own<Session::Entry> entry;  // In the session's undo list: see sweepAtEnd.
    bool isOver = false;
  };
  struct SessionJobs {
    kj::Own<Session> session;
    std::map<uint64_t, Entry> entries;
    size_t running = 0;
    uint64_t owner = 0;        // As in ProcessSets::make.
    uint64_t spentTo = 0;      // All numbers up to here are spent, but for those in `entries`.
    std::set<uint64_t> spent;  // And these, above it.
    kj::Maybe<kj::Own<Sweep>> sweep;
  };

  void launching(Job& job) override;
  void ended(Job& job) override;
  void gone(Job& job) override;
  void taskFailed(kj::Exception&& exception) override;

  SessionJobs& jobsOf(Session& session);
  kj::Promise<void> lookAtLaunches();
  void requireCapacity(const SessionJobs& jobs) const;

  // A job is over when its set is empty. What has left the set is killed at the session's end.
  void sweepAtEnd(SessionJobs& jobs);
  void remove(const Key& key);
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
  std::map<const Job*, Key> keys_;
  std::map<uint64_t, Key> order_;           // By Entry::order.
  std::map<uint64_t, Key> finished_;        // By Entry::endedOrder.
  std::map<const Job*, Entry> leftBehind_;  // Acknowledged, with processes that still run.
  std::set<Job*> launching_;                // Those that did not end within a moment are looked at.
  bool isLooking_ = false;
  uint64_t nextOrder_ = 1;
  uint64_t nextOwner_ = 1;
  size_t running_ = 0;
  size_t lingering_ = 0;  // Ended, but something of them runs.
  kj::TaskSet tasks_;
  kj::Promise<void> looking_ = nullptr;
};

}  // namespace nodeagent
