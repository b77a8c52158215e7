#include "nodeagent/exec/jobs_server.h"

#include <signal.h>

#include <algorithm>

#include "nodeagent/exec/job_status.h"
#include "schema/support/base/crc32c.h"
#include "schema/support/base/redact.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

constexpr unsigned kListMax = 1000;

// Below which the caller has stored standard output.
uint64_t storedTo(wire::Follow::Reader follow) {
  return follow.getBytesMin() > 0 ? follow.getOutputStoredTo() : follow.getOutputFrom();
}

// Waits as `follow` says and writes what came of it. For every method that has a follow.
template <typename Context>
kj::Promise<void> followJob(Context context, Job& job, wire::Follow::Reader follow,
                            const JobLimits& limits) {
  auto wish = readFollow(follow, job, limits);
  if (follow.getReleaseTo()) job.release(storedTo(follow), wish.errorsFrom);
  context.allowCancellation();
  context.releaseParams();  // A specification may be large, and a poll long.
  return job.waitFor(wish)
      .then([context, wish, &job]() mutable {
        auto results = context.getResults(capnp::MessageSize{progressWords(job, wish), 0});
        writeProgress(job, wish, results.initProgress());
      })
      .attach(kj::addRef(job));
}

support::Id readSessionId(capnp::Data::Reader bytes) {
  if (!support::Id::fits(bytes)) {
    support::fail(Kind::INVALID, "sessionId: ", bytes.size(), " bytes, must be 16");
  }
  return support::Id::from(bytes);
}

// As followJob, of a job that another process keeps.
template <typename Context>
kj::Promise<void> followDetached(Context context, DetachedJob& job, wire::Follow::Reader follow) {
  DetachedFollow wish;
  wish.outputFrom = follow.getOutputFrom();
  wish.errorsFrom = follow.getErrorsFrom();
  wish.bytesMax = follow.getBytesMax();
  wish.waitNs = follow.getWaitNs();
  wish.until = follow.getUntil();
  wish.releaseTo = follow.getReleaseTo();
  context.allowCancellation();
  context.releaseParams();
  return job.follow(wish).then([context](kj::Own<capnp::MallocMessageBuilder>&& answer) mutable {
    auto progress = answer->getRoot<wire::JobProgress>();
    // Ranges are not passed on.
    progress.setAheadBytesMax(0);
    context.getResults().setProgress(progress.asReader());
  });
}

class JobsServer final : public wire::Jobs::Server {
 public:
  JobsServer(JobTable& table, Session& session, AuditLog& audit, kj::Maybe<DetachedJobs&> detached)
      : table_(table), session_(session.addRef()), audit_(audit), detached_(detached) {}

  kj::Promise<void> run(RunContext context) override {
    return support::answer(context, "jobs.run", [this, context]() mutable {
      auto params = context.getParams();
      // Of the table's jobs: one that another process keeps is acknowledged by its own call.
      if (params.hasAcknowledge()) table_.acknowledge(session_->id(), params.getAcknowledge());
      KJ_IF_MAYBE (job, runDetached(params.getNumber(), params.getSpec())) {
        return followDetached(context, *job, params.getFollow());
      }
      auto& job = table_.run(*session_, audit_, params.getNumber(), params.getSpec());
      return followJob(context, job, params.getFollow(), table_.limits());
    });
  }

  kj::Promise<void> follow(FollowContext context) override {
    return support::answer(context, "jobs.follow", [this, context]() mutable {
      auto params = context.getParams();
      KJ_IF_MAYBE (job, find(params.getNumber())) {
        return followDetached(context, *job, params.getFollow());
      }
      return followJob(context, get(params.getNumber()), params.getFollow(), table_.limits());
    });
  }

  kj::Promise<void> writeInput(WriteInputContext context) override {
    return support::answer(context, "jobs.writeInput", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      auto chunk = params.getChunk();
      auto answer = [context](uint64_t acceptedTo) mutable {
        context.getResults().setAcceptedTo(acceptedTo);
      };
      KJ_IF_MAYBE (job, find(params.getNumber())) {
        return job->writeInput(chunk, params.getEnd()).then(kj::mv(answer));
      }
      auto& job = get(params.getNumber());
      if (support::crc32c(chunk.getData()) != chunk.getCrc32c()) {
        support::fail(Kind::CORRUPT, "chunk.crc32c: does not match the ", chunk.getData().size(),
                      " bytes at ", chunk.getOffset());
      }
      return job
          .writeInput(chunk.getOffset(), kj::heapArray<kj::byte>(chunk.getData()), params.getEnd())
          .then(kj::mv(answer));
    });
  }

  kj::Promise<void> signal(SignalContext context) override {
    return support::answer(context, "jobs.signal", [this, context]() mutable -> kj::Promise<void> {
      session_->requireOpen();
      auto params = context.getParams();
      int number = params.getSignal();
      if (number < 1 || number > SIGRTMAX)
        support::fail(Kind::INVALID, "signal: ", number, ", must be from 1 to ", SIGRTMAX);
      if (params.getTarget() > wire::Jobs::Target::ALL)
        support::fail(Kind::INVALID, "target: not known to this agent");
      auto detached = find(params.getNumber());
      if (detached == nullptr) get(params.getNumber());
      audit_.record(*session_, "jobs.signal", {{"number", params.getNumber()}, {"signal", number}});
      KJ_IF_MAYBE (job, detached) return job->signal(number, params.getTarget());
      auto& job = get(params.getNumber());
      int result = job.signal(number, params.getTarget());
      if (result != 0) support::failErrno(result, "send signal ", number, " to job ", job.number());
      return kj::READY_NOW;
    });
  }

  kj::Promise<void> cancel(CancelContext context) override {
    return support::answer(context, "jobs.cancel", [this, context]() mutable -> kj::Promise<void> {
      session_->requireOpen();
      auto params = context.getParams();
      auto detached = find(params.getNumber());
      if (detached == nullptr) get(params.getNumber());
      audit_.record(*session_, "jobs.cancel", {{"number", params.getNumber()}});
      KJ_IF_MAYBE (job, detached) return job->cancel(params.getGraceNs());
      auto& job = get(params.getNumber());
      audit_.record(*session_, "jobs.cancel", {{"number", job.number()}});
      stop(job, params.getGraceNs());
      return kj::READY_NOW;
    });
  }

  kj::Promise<void> cancelOf(CancelOfContext context) override {
    return support::answer(context, "jobs.cancelOf",
                           [this, context]() mutable -> kj::Promise<void> {
                             session_->requireOpen();
                             auto params = context.getParams();
                             auto owner = readSessionId(params.getSessionId());
                             KJ_IF_MAYBE (jobs, detached_) {
                               KJ_IF_MAYBE (job, jobs->find(owner, params.getNumber())) {
                                 requireMayEnd(owner, params.getNumber(), job->identity());
                                 return job->cancelLeft(params.getGraceNs());
                               }
                             }
                             auto& entry = table_.entryOf(owner, params.getNumber());
                             requireMayEnd(owner, params.getNumber(), entry.identity);
                             stop(*entry.job, params.getGraceNs());
                             return kj::READY_NOW;
                           });
  }

  kj::Promise<void> resize(ResizeContext context) override {
    return support::answer(context, "jobs.resize", [this, context]() mutable -> kj::Promise<void> {
      session_->requireOpen();
      auto params = context.getParams();
      if (params.getColumns() == 0 || params.getRows() == 0) {
        support::fail(Kind::INVALID, "resize: ", params.getColumns(), " columns and ",
                      params.getRows(), " rows, both must be at least 1");
      }
      KJ_IF_MAYBE (job, find(params.getNumber())) {
        return job->resize(params.getColumns(), params.getRows());
      }
      get(params.getNumber()).resize(params.getColumns(), params.getRows());
      return kj::READY_NOW;
    });
  }

  kj::Promise<void> acknowledge(AcknowledgeContext context) override {
    return support::answer(context, "jobs.acknowledge", [this, context]() mutable {
      context.allowCancellation();
      return acknowledgeAll(context.getParams().getNumbers());
    });
  }

  kj::Promise<void> adopt(AdoptContext context) override {
    return support::answer(context, "jobs.adopt", [this, context]() mutable {
      auto params = context.getParams();
      KJ_IF_MAYBE (jobs, detached_) {
        return jobs->adopt(*session_, params.getSessionIds(), params.getNumber());
      }
      support::fail(Kind::UNSUPPORTED, "adopt: this agent keeps no detached jobs");
    });
  }

 private:
  Job& get(uint64_t number) { return table_.get(session_->id(), number); }

  static void stop(Job& job, int64_t graceNs) {
    job.stop(StopReason::kCancelled,
             graceNs < 0 ? job.spec().graceNs : kj::min(graceNs, kGraceMaxNs));
  }

  void requireMayEnd(const support::Id& owner, uint64_t number, kj::StringPtr identity) {
    if (identity != session_->identity() && session_->role() != wire::Role::ADMIN) {
      support::fail(Kind::DENIED, "job ", number, " of session ", owner.text().c_str(), " is of \"",
                    identity, "\": only it or an admin may end it");
    }
    audit_.record(*session_, "jobs.cancelOf",
                  {{"owner_session", owner.text()}, {"number", number}});
  }

  kj::Maybe<DetachedJob&> find(uint64_t number) {
    KJ_IF_MAYBE (jobs, detached_) return jobs->find(session_->id(), number);
    return nullptr;
  }

  // The job, if that is what it is or what the specification wants.
  kj::Maybe<DetachedJob&> runDetached(uint64_t number, wire::JobSpec::Reader spec) {
    KJ_IF_MAYBE (known, find(number)) {
      if (known->hash() == readJobSpec(spec).hash) return *known;
      support::fail(Kind::CONFLICT, "number: ", number, " was started with another specification");
    }
    if (spec.getLifetime() != wire::JobSpec::JobLifetime::DETACHED) return nullptr;
    KJ_IF_MAYBE (jobs, detached_) {
      table_.requireFree(*session_, number);
      readJobSpec(spec);  // Refuses now what the shim would.
      return jobs->run(*session_, audit_, number, spec);
    }
    return nullptr;
  }

  kj::Promise<void> acknowledgeAll(capnp::List<uint64_t>::Reader numbers) {
    table_.acknowledge(session_->id(), numbers);
    kj::Vector<kj::Promise<void>> passed;
    for (uint64_t number : numbers) {
      KJ_IF_MAYBE (job, find(number)) {
        // As long as the job is known, it is found before its number is looked at.
        table_.spendNumber(*session_, number);
        passed.add(job->acknowledge());
      }
    }
    return kj::joinPromises(passed.releaseAsArray());
  }

  JobTable& table_;
  kj::Own<Session> session_;
  AuditLog& audit_;
  kj::Maybe<DetachedJobs&> detached_;
};

bool carriesAll(kj::ArrayPtr<const Label> labels, capnp::List<wire::Label>::Reader wanted) {
  for (auto each : wanted) {
    bool found = false;
    for (auto& label : labels)
      found = found || (label.name == each.getName() && label.value == each.getValue());
    if (!found) return false;
  }
  return true;
}

kj::ArrayPtr<const kj::byte> bytesOf(const kj::String& argument) {
  return argument.asBytes();
}
kj::ArrayPtr<const kj::byte> bytesOf(capnp::Data::Reader argument) {
  return argument;
}

// As the audit log has them: whoever may look is not told secrets. A secret is recognised as a
// whole, so nothing is cut before.
template <typename Arguments>
void writeArguments(const Arguments& arguments, wire::JobView::Summary::Builder summary) {
  std::vector<std::string> words;
  for (unsigned i = 0; i < arguments.size() && i < kArgumentsShown; ++i) {
    auto bytes = bytesOf(arguments[i]);
    words.emplace_back(bytes.asChars().begin(), kj::min(bytes.size(), kArgumentBytesKept));
  }
  words = support::redactedWords(words);
  auto argv = summary.initArgv(static_cast<unsigned>(words.size()));
  for (unsigned i = 0; i < argv.size(); ++i) {
    auto bytes = kj::StringPtr(words[i].c_str(), words[i].size()).asBytes();
    argv.set(i, bytes.slice(0, kj::min(bytes.size(), kArgumentBytesShown)));
  }
}

void writeDetached(DetachedJob& job, wire::JobView::Summary::Builder summary) {
  auto record = job.record();
  summary.setSessionId(record.getSessionId());
  summary.setNumber(record.getNumber());
  summary.setIdentity(record.getIdentity());
  summary.setLabels(record.getLabels());
  writeArguments(record.getSpec().getArgv(), summary);
  summary.setStatus(job.status());
  summary.setAlive(job.isAlive());
  summary.setProcesses(job.processCount());
  summary.setAcknowledged(job.isAcknowledged());
}

bool carriesAll(capnp::List<wire::Label>::Reader labels, capnp::List<wire::Label>::Reader wanted) {
  for (auto each : wanted) {
    bool found = false;
    for (auto label : labels)
      found = found || (label.getName() == each.getName() && label.getValue() == each.getValue());
    if (!found) return false;
  }
  return true;
}

void writeSummary(JobTable::Entry& entry, JobTable::Known known,
                  wire::JobView::Summary::Builder summary) {
  summary.setSessionId(entry.session.data());
  summary.setNumber(entry.job->number());
  summary.setIdentity(entry.identity);
  auto labels = summary.initLabels(static_cast<unsigned>(entry.labels.size()));
  for (unsigned i = 0; i < labels.size(); ++i) {
    labels[i].setName(entry.labels[i].name);
    labels[i].setValue(entry.labels[i].value);
  }
  writeArguments(entry.job->spec().argv, summary);
  writeStatus(*entry.job, summary.initStatus());
  summary.setAlive(!entry.job->isGone());
  summary.setProcesses(entry.job->processCount());
  summary.setAcknowledged(known == JobTable::Known::kAcknowledged);
}

class JobViewServer final : public wire::JobView::Server {
 public:
  JobViewServer(JobTable& table, kj::Maybe<DetachedJobs&> detached)
      : table_(table), detached_(detached) {}

  kj::Promise<void> list(ListContext context) override {
    return support::answer(context, "jobView.list", [this, context]() mutable -> kj::Promise<void> {
      auto which = context.getParams().getWhich();
      if (which > wire::JobView::Which::ALIVE) {
        support::fail(Kind::INVALID, "which: ", static_cast<int>(which),
                      " is not known to this agent");
      }
      KJ_IF_MAYBE (jobs, detached_) {
        return jobs->lookAtAll().then([this, context]() mutable { writeList(context); });
      }
      writeList(context);
      return kj::READY_NOW;
    });
  }

  kj::Promise<void> follow(FollowContext context) override {
    return support::answer(context, "jobView.follow", [this, context]() mutable {
      auto params = context.getParams();
      auto session = readSessionId(params.getSessionId());
      if (params.getFollow().getReleaseTo()) {
        support::fail(Kind::INVALID, "follow.releaseTo: set, but a view changes nothing");
      }
      auto& job = table_.get(session, params.getNumber());
      return followJob(context, job, params.getFollow(), table_.limits());
    });
  }

 private:
  // Those kept by other processes come first: they are few.
  void writeList(ListContext context) {
    auto params = context.getParams();
    unsigned max = params.getMax() == 0 ? kListMax : kj::min(params.getMax(), kListMax);
    bool aliveOnly = params.getWhich() == wire::JobView::Which::ALIVE;
    bool truncated = false;
    auto apart = findDetached(params.getLabels(), aliveOnly);
    if (apart.size() > max) {
      apart.truncate(max);
      truncated = true;
    }
    struct Found {
      JobTable::Entry* entry;
      JobTable::Known known;
    };
    kj::Vector<Found> found;
    table_.visit([&](JobTable::Entry& entry, JobTable::Known known) {
      if (aliveOnly && entry.job->isGone()) return true;
      if (!carriesAll(entry.labels, params.getLabels())) return true;
      truncated = truncated || apart.size() + found.size() == max;
      if (!truncated) found.add(Found{&entry, known});
      return !truncated;
    });
    auto results = context.getResults();
    results.setTruncated(truncated);
    auto jobs = results.initJobs(static_cast<unsigned>(apart.size() + found.size()));
    unsigned next = 0;
    for (auto* job : apart) writeDetached(*job, jobs[next++]);
    for (auto& one : found) writeSummary(*one.entry, one.known, jobs[next++]);
  }

  // The newest first.
  kj::Vector<DetachedJob*> findDetached(capnp::List<wire::Label>::Reader labels, bool aliveOnly) {
    kj::Vector<DetachedJob*> found;
    KJ_IF_MAYBE (jobs, detached_) {
      jobs->visit([&](DetachedJob& job) {
        if (aliveOnly && !job.isAlive()) return true;
        if (carriesAll(job.record().getLabels(), labels)) found.add(&job);
        return true;
      });
    }
    std::sort(found.begin(), found.end(), [](DetachedJob* left, DetachedJob* right) {
      return left->status().getStartedRealtimeNs() > right->status().getStartedRealtimeNs();
    });
    return found;
  }

  JobTable& table_;
  kj::Maybe<DetachedJobs&> detached_;
};

class JobsAndViewServer final : public capnp::Capability::Server {
 public:
  JobsAndViewServer(JobTable& table, Session& session, AuditLog& audit)
      : jobs_(table, session, audit, nullptr), view_(table, nullptr) {}

  DispatchCallResult dispatchCall(
      uint64_t interfaceId, uint16_t methodId,
      capnp::CallContext<capnp::AnyPointer, capnp::AnyPointer> context) override {
    if (interfaceId == capnp::typeId<wire::JobView>())
      return view_.dispatchCall(interfaceId, methodId, context);
    return jobs_.dispatchCall(interfaceId, methodId, context);
  }

 private:
  JobsServer jobs_;
  JobViewServer view_;
};

}  // namespace

capnp::Capability::Client makeJobsAndView(JobTable& table, Session& session, AuditLog& audit) {
  return kj::heap<JobsAndViewServer>(table, session, audit);
}

wire::Jobs::Client makeJobs(JobTable& table, Session& session, AuditLog& audit,
                            kj::Maybe<DetachedJobs&> detached) {
  return kj::heap<JobsServer>(table, session, audit, detached);
}

wire::JobView::Client makeJobView(JobTable& table, kj::Maybe<DetachedJobs&> detached) {
  return kj::heap<JobViewServer>(table, detached);
}

}  // namespace nodeagent
