// The jobs that callers name by session and number, whichever process keeps them: which job a
// number means, and the beginning of a new one. What a job does is kept_job.h.
#pragma once

#include "nodeagent/exec/detached_jobs.h"
#include "nodeagent/exec/job_table.h"
#include "nodeagent/exec/kept_job.h"
#include "nodeagent/session/audit_log.h"

namespace nodeagent {

class KeptJobs final {
 public:
  // Both outlive it. Without `detached`, the table keeps all jobs.
  explicit KeptJobs(JobTable& table, kj::Maybe<DetachedJobs&> detached = nullptr);
  KJ_DISALLOW_COPY(KeptJobs);

  // Starts the job, or finds it if the number was started with an equal specification. The audit
  // line is written before the start, and only for a start. Failures: expired (the session is
  // ending, or the number is spent), invalid, conflict, overloaded, and what the audit log throws.
  KeptJob& run(Session& session, AuditLog& audit, uint64_t number, wire::JobSpec::Reader spec);

  // Fails with kind notFound, also for a job that was acknowledged.
  KeptJob& get(const support::Id& session, uint64_t number);

  // Also finds a job that was acknowledged and left processes running.
  KeptJob& getLeft(const support::Id& session, uint64_t number);

  // See Jobs.acknowledge. Null: it is done.
  kj::Maybe<kj::Promise<void>> acknowledge(Session& session, capnp::List<uint64_t>::Reader numbers);

  // See Jobs.adopt.
  void adopt(Session& session, capnp::List<capnp::Data>::Reader from, uint64_t number);

  // Asks the processes that keep detached jobs how these are. Null: there are none.
  kj::Maybe<kj::Promise<void>> look();

  // Calls `visit` for each job until it returns false: first for detached ones, which are few, then
  // for the others, the newest first, then for what acknowledged ones left running.
  void visit(kj::FunctionParam<bool(KeptJob& job)> visit);

 private:
  kj::Maybe<KeptJob&> find(const support::Id& session, uint64_t number);
  kj::Maybe<DetachedJob&> findDetached(const support::Id& session, uint64_t number);

  JobTable& table_;
  kj::Maybe<DetachedJobs&> detached_;
};

}  // namespace nodeagent
