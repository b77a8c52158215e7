// Finds the job that a session's number means, whichever process keeps it, and begins new ones. It
// does not act on a job (kept_job.h does), nor keep one.
#pragma once

#include <map>
#include <utility>

#include <kj/one-of.h>

#include "nodeagent/exec/detached_jobs.h"
#include "nodeagent/exec/job_table.h"
#include "nodeagent/exec/kept_job.h"
#include "nodeagent/session/audit_log.h"

namespace nodeagent::exec {

class KeptJobs final {
 public:
  // Both parameters outlive it. Without `detached`, the table keeps all jobs.
  explicit KeptJobs(JobTable& table, kj::Maybe<DetachedJobs&> detached = nullptr);
  KJ_DISALLOW_COPY(KeptJobs);

  // Is a job, or resolves to one that stays valid until the loop's next turn.
  using Started = kj::OneOf<KeptJob*, kj::Promise<KeptJob*>>;

  // Starts the job, or finds it if the number was started with an equal specification. The audit
  // line is written before the start, and only for a start. Fails with kind expired (the session is
  // ending, or the number is spent), invalid, conflict or overloaded, and with failures of the
  // audit log. `spec` stays valid until the promise, if there is one, has settled.
  Started run(Session& session, AuditLog& audit, uint64_t number, wire::JobSpec::Reader spec);

  // Resolves when the job has been started or refused, if its audit line is being written; null if
  // it is not. A call that comes after the start finds the job only then.
  kj::Maybe<kj::Promise<void>> starting(const support::Id& session, uint64_t number);

  // Finds a job. Fails with kind notFound, also if the job was acknowledged.
  KeptJob& get(const support::Id& session, uint64_t number);

  // Finds a job like get(), and also one that was acknowledged and left processes running.
  KeptJob& getLeft(const support::Id& session, uint64_t number);

  // Does what Jobs.acknowledge says. Returns null if that is done already.
  kj::Maybe<kj::Promise<void>> acknowledge(Session& session, capnp::List<uint64_t>::Reader numbers);

  // Gives a detached job of one of the sessions `from` to `session`, as Jobs.adopt says.
  kj::Promise<void> adopt(Session& session, capnp::List<capnp::Data>::Reader from, uint64_t number);

  // Calls KeptJob::look of every job that is alive.
  kj::Promise<void> look();

  // Calls `visit` until it returns false: first for each detached job, of which there are few, and
  // then for those of JobTable::visit.
  void visit(kj::FunctionParam<bool(KeptJob& job)> visit);

 private:
  using Key = std::pair<support::Id, uint64_t>;

  kj::Maybe<KeptJob*> findEqual(Session& session, uint64_t number, const JobSpec& spec);
  void requireCapacity(Session& session, const JobSpec& spec);
  KeptJob& start(Session& session, uint64_t number, JobSpec spec, wire::JobSpec::Reader reader);
  kj::Promise<KeptJob*> startAfter(kj::Promise<void> written, Session& session, uint64_t number,
                                   JobSpec spec, wire::JobSpec::Reader reader);
  kj::Maybe<DetachedJobs&> keeperOf(const JobSpec& spec);
  kj::Maybe<KeptJob&> find(const support::Id& session, uint64_t number);
  kj::Maybe<DetachedJob&> findDetached(const support::Id& session, uint64_t number);

  JobTable& table_;
  kj::Maybe<DetachedJobs&> detached_;
  // Holds the starts whose audit lines are being written.
  std::map<Key, kj::ForkedPromise<void>> starting_;
};

}  // namespace nodeagent::exec
