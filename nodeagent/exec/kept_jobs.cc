#include "nodeagent/exec/kept_jobs.h"

#include <string>

#include "nodeagent/exec/job_spec.h"
#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

using Kind = wire::Error::Kind;

constexpr size_t kAuditedArgumentBytes = 2048;

// Returns the command as one line for the audit log, without words that look like secrets.
std::string argvText(const JobSpec& spec) {
  std::string text;
  for (const std::string& word : spec.shownArgv) {
    if (text.size() > kAuditedArgumentBytes) return text + " ...";
    if (!text.empty()) text += ' ';
    text += support::escaped(word);
  }
  return spec.argv.size() > spec.shownArgv.size() ? text + " ..." : text;
}

}  // namespace

KeptJobs::KeptJobs(JobTable& table, kj::Maybe<DetachedJobs&> detached)
    : table_(table), detached_(detached) {}

// A call may come twice, after a connection was lost. The steps are therefore:
// 1. The specification is read, since its digest tells a repeated call from another one.
// 2. A number whose start is being recorded waits for that, a known one answers with its job, and a
// spent one is refused.
// 3. A new job needs capacity.
// 4. The audit line is written, after everything that can be refused and before the start.
KeptJobs::Started KeptJobs::run(Session& session, AuditLog& audit, uint64_t number,
                                wire::JobSpec::Reader reader) {
  session.requireOpen();
  if (number == 0) support::fail(Kind::INVALID, "number: 0, must be from 1");
  auto spec = readJobSpec(reader);
  KJ_IF_MAYBE (earlier, starting(session.id(), number)) {
    return earlier->then([this, session = session.addRef(), &audit, number,
                          reader]() mutable -> kj::Promise<KeptJob*> {
      auto started = run(*session, audit, number, reader);
      KJ_IF_MAYBE (job, started.tryGet<KeptJob*>()) return *job;
      return kj::mv(started.get<kj::Promise<KeptJob*>>());
    });
  }
  KJ_IF_MAYBE (known, findEqual(session, number, spec)) return *known;
  requireCapacity(session, spec);
  auto recorded = audit.record(session, "jobs.run",
                               {{"number", number},
                                {"argv", argvText(spec)},
                                {"user", spec.user},
                                {"directory", spec.directory},
                                {"lifetime", keeperOf(spec) == nullptr ? "session" : "detached"}});
  KJ_IF_MAYBE (written, recorded) {
    return startAfter(kj::mv(*written), session, number, kj::mv(spec), reader);
  }
  return &start(session, number, kj::mv(spec), reader);
}

kj::Maybe<DetachedJobs&> KeptJobs::keeperOf(const JobSpec& spec) {
  if (spec.lifetime == wire::JobSpec::JobLifetime::DETACHED) return detached_;
  return nullptr;
}

kj::Maybe<KeptJob*> KeptJobs::findEqual(Session& session, uint64_t number, const JobSpec& spec) {
  KJ_IF_MAYBE (known, find(session.id(), number)) {
    if (known->hash() != spec.hash) {
      support::fail(Kind::CONFLICT, "number: ", number, " was started with another specification");
    }
    if (!known->isAcknowledged()) return known;
    support::fail(Kind::EXPIRED, "number: ", number, " was acknowledged");
  }
  if (table_.isSpent(session.id(), number)) {
    support::fail(Kind::EXPIRED, "number: ", number, " was acknowledged or is no longer kept");
  }
  return nullptr;
}

void KeptJobs::requireCapacity(Session& session, const JobSpec& spec) {
  KJ_IF_MAYBE (detached, keeperOf(spec)) {
    detached->requireCapacity();
  } else {
    table_.prepare(session, spec);
  }
}

KeptJob& KeptJobs::start(Session& session, uint64_t number, JobSpec spec,
                         wire::JobSpec::Reader reader) {
  KJ_IF_MAYBE (detached, keeperOf(spec)) return detached->start(session, number, reader);
  addVariables(spec, session.variables().all());
  return table_.start(session, number, kj::mv(spec));
}

// The session may have ended meanwhile, and other jobs may have taken the capacity, so both are
// looked at again.
kj::Promise<KeptJob*> KeptJobs::startAfter(kj::Promise<void> written, Session& session,
                                           uint64_t number, JobSpec spec,
                                           wire::JobSpec::Reader reader) {
  Key key{session.id(), number};
  auto settled = kj::newPromiseAndFulfiller<void>();
  starting_.emplace(key, settled.promise.fork());
  return written
      .then([this, session = session.addRef(), number, spec = kj::mv(spec), reader]() mutable {
        session->requireOpen();
        requireCapacity(*session, spec);
        return &start(*session, number, kj::mv(spec), reader);
      })
      .attach(kj::defer([this, key, fulfiller = kj::mv(settled.fulfiller)]() mutable {
        starting_.erase(key);
        fulfiller->fulfill();
      }));
}

kj::Maybe<kj::Promise<void>> KeptJobs::starting(const support::Id& session, uint64_t number) {
  auto found = starting_.find(Key{session, number});
  if (found == starting_.end()) return nullptr;
  return found->second.addBranch();
}

kj::Maybe<DetachedJob&> KeptJobs::findDetached(const support::Id& session, uint64_t number) {
  KJ_IF_MAYBE (jobs, detached_) return jobs->find(session, number);
  return nullptr;
}

kj::Maybe<KeptJob&> KeptJobs::find(const support::Id& session, uint64_t number) {
  KJ_IF_MAYBE (job, findDetached(session, number)) return *job;
  KJ_IF_MAYBE (job, table_.find(session, number)) return *job;
  return nullptr;
}

KeptJob& KeptJobs::get(const support::Id& session, uint64_t number) {
  KJ_IF_MAYBE (job, findDetached(session, number)) {
    if (!job->isAcknowledged()) return *job;
    support::fail(Kind::NOT_FOUND, "job ", number, ": was acknowledged");
  }
  return table_.get(session, number);
}

KeptJob& KeptJobs::getLeft(const support::Id& session, uint64_t number) {
  KJ_IF_MAYBE (job, findDetached(session, number)) return *job;
  return table_.getLeft(session, number);
}

kj::Maybe<kj::Promise<void>> KeptJobs::acknowledge(Session& session,
                                                   capnp::List<uint64_t>::Reader numbers) {
  kj::Vector<kj::Promise<void>> passed;
  for (uint64_t number : numbers) {
    KJ_IF_MAYBE (job, findDetached(session.id(), number)) {
      // The number is spent before the shim has answered, which does no harm. A job that is still
      // known is found before its number is looked at.
      table_.spendNumber(session, number);
      passed.add(job->acknowledge());
    } else {
      table_.acknowledge(session.id(), number);
    }
  }
  if (passed.empty()) return nullptr;
  return kj::joinPromises(passed.releaseAsArray());
}

kj::Promise<void> KeptJobs::adopt(Session& session, capnp::List<capnp::Data>::Reader from,
                                  uint64_t number) {
  KJ_IF_MAYBE (jobs, detached_) return jobs->adopt(session, from, number);
  support::fail(Kind::UNSUPPORTED, "adopt: this agent keeps no detached jobs");
}

kj::Promise<void> KeptJobs::look() {
  kj::Vector<kj::Promise<void>> looks;
  visit([&looks](KeptJob& job) {
    if (job.isAlive()) looks.add(job.look());
    return true;
  });
  return kj::joinPromises(looks.releaseAsArray());
}

void KeptJobs::visit(kj::FunctionParam<bool(KeptJob& job)> visit) {
  bool goesOn = true;
  KJ_IF_MAYBE (jobs, detached_) {
    for (auto* job : jobs->newestFirst()) {
      goesOn = goesOn && visit(*job);
    }
  }
  if (goesOn) table_.visit([&](OwnJob& job) { return visit(job); });
}

}  // namespace nodeagent::exec
