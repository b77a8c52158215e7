#include "nodeagent/exec/jobs_server.h"

#include <signal.h>

#include "nodeagent/exec/job_status.h"
#include "schema/support/crc32c.h"
#include "schema/support/wire_error.h"

namespace nodeagent {
namespace {

using Kind = wire::Error::Kind;

constexpr unsigned kListMax = 1000;

// Waits as `follow` says and writes what came of it. For every method that has a follow.
template <typename Context>
kj::Promise<void> followJob(Context context, Job& job, wire::Follow::Reader follow,
                            const JobLimits& limits) {
  auto wish = readFollow(follow, job, limits);
  if (follow.getReleaseTo()) job.release(wish.outputFrom, wish.errorsFrom);
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

class JobsServer final : public wire::Jobs::Server {
 public:
  JobsServer(JobTable& table, Session& session, AuditLog& audit)
      : table_(table), session_(session.addRef()), audit_(audit) {}

  kj::Promise<void> run(RunContext context) override {
    return support::answer(context, "jobs.run", [this, context]() mutable {
      auto params = context.getParams();
      if (params.hasAcknowledge()) table_.acknowledge(session_->id(), params.getAcknowledge());
      auto& job = table_.run(*session_, audit_, params.getNumber(), params.getSpec());
      return followJob(context, job, params.getFollow(), table_.limits());
    });
  }

  kj::Promise<void> follow(FollowContext context) override {
    return support::answer(context, "jobs.follow", [this, context]() mutable {
      auto params = context.getParams();
      return followJob(context, get(params.getNumber()), params.getFollow(), table_.limits());
    });
  }

  kj::Promise<void> writeInput(WriteInputContext context) override {
    return support::answer(context, "jobs.writeInput", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      auto& job = get(params.getNumber());
      auto chunk = params.getChunk();
      if (support::crc32c(chunk.getData()) != chunk.getCrc32c()) {
        support::fail(Kind::CORRUPT, "chunk.crc32c: does not match the ", chunk.getData().size(),
                      " bytes at ", chunk.getOffset());
      }
      return job
          .writeInput(chunk.getOffset(), kj::heapArray<kj::byte>(chunk.getData()), params.getEnd())
          .then([context](uint64_t acceptedTo) mutable {
            context.getResults().setAcceptedTo(acceptedTo);
          });
    });
  }

  kj::Promise<void> signal(SignalContext context) override {
    return support::answer(context, "jobs.signal", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      auto& job = get(params.getNumber());
      int number = params.getSignal();
      if (number < 1 || number > SIGRTMAX)
        support::fail(Kind::INVALID, "signal: ", number, ", must be from 1 to ", SIGRTMAX);
      if (params.getTarget() > wire::Jobs::Target::ALL)
        support::fail(Kind::INVALID, "target: not known to this agent");
      audit_.record(*session_, "jobs.signal", {{"number", job.number()}, {"signal", number}});
      int result = job.signal(number, params.getTarget());
      if (result != 0) support::failErrno(result, "send signal ", number, " to job ", job.number());
    });
  }

  kj::Promise<void> cancel(CancelContext context) override {
    return support::answer(context, "jobs.cancel", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      auto& job = get(params.getNumber());
      audit_.record(*session_, "jobs.cancel", {{"number", job.number()}});
      stop(job, params.getGraceNs());
    });
  }

  kj::Promise<void> cancelOf(CancelOfContext context) override {
    return support::answer(context, "jobs.cancelOf", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      auto owner = readSessionId(params.getSessionId());
      auto& entry = table_.entryOf(owner, params.getNumber());
      if (entry.identity != session_->identity() && session_->role() != wire::Role::ADMIN) {
        support::fail(Kind::DENIED, "job ", params.getNumber(), " of session ",
                      owner.text().c_str(), " is of \"", entry.identity,
                      "\": only it or an admin may end it");
      }
      audit_.record(*session_, "jobs.cancelOf",
                    {{"owner_session", owner.text()}, {"number", params.getNumber()}});
      stop(*entry.job, params.getGraceNs());
    });
  }

  kj::Promise<void> resize(ResizeContext context) override {
    return support::answer(context, "jobs.resize", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      if (params.getColumns() == 0 || params.getRows() == 0) {
        support::fail(Kind::INVALID, "resize: ", params.getColumns(), " columns and ",
                      params.getRows(), " rows, both must be at least 1");
      }
      get(params.getNumber()).resize(params.getColumns(), params.getRows());
    });
  }

  kj::Promise<void> acknowledge(AcknowledgeContext context) override {
    return support::answer(context, "jobs.acknowledge", [this, context]() mutable {
      table_.acknowledge(session_->id(), context.getParams().getNumbers());
    });
  }

 private:
  Job& get(uint64_t number) { return table_.get(session_->id(), number); }

  static void stop(Job& job, int64_t graceNs) {
    job.stop(StopReason::kCancelled,
             graceNs < 0 ? job.spec().graceNs : kj::min(graceNs, kGraceMaxNs));
  }

  JobTable& table_;
  kj::Own<Session> session_;
  AuditLog& audit_;
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
  auto& arguments = entry.job->spec().argv;
  auto argv = summary.initArgv(static_cast<unsigned>(kj::min(arguments.size(), kArgumentsShown)));
  for (unsigned i = 0; i < argv.size(); ++i) {
    auto bytes = arguments[i].asBytes();
    argv.set(i, bytes.slice(0, kj::min(bytes.size(), kArgumentBytesShown)));
  }
  writeStatus(*entry.job, summary.initStatus());
  summary.setAlive(!entry.job->isGone());
  summary.setProcesses(entry.job->processCount());
  summary.setAcknowledged(known == JobTable::Known::kAcknowledged);
}

class JobViewServer final : public wire::JobView::Server {
 public:
  explicit JobViewServer(JobTable& table) : table_(table) {}

  kj::Promise<void> list(ListContext context) override {
    return support::answer(context, "jobView.list", [this, context]() mutable {
      auto params = context.getParams();
      unsigned max = params.getMax() == 0 ? kListMax : kj::min(params.getMax(), kListMax);
      if (params.getWhich() > wire::JobView::Which::ALIVE) {
        support::fail(Kind::INVALID, "which: ", static_cast<int>(params.getWhich()),
                      " is not known to this agent");
      }
      bool aliveOnly = params.getWhich() == wire::JobView::Which::ALIVE;
      struct Found {
        JobTable::Entry* entry;
        JobTable::Known known;
      };
      kj::Vector<Found> found;
      bool truncated = false;
      table_.visit([&](JobTable::Entry& entry, JobTable::Known known) {
        if (aliveOnly && entry.job->isGone()) return true;
        if (!carriesAll(entry.labels, params.getLabels())) return true;
        truncated = found.size() == max;
        if (!truncated) found.add(Found{&entry, known});
        return !truncated;
      });
      auto results = context.getResults();
      results.setTruncated(truncated);
      auto jobs = results.initJobs(static_cast<unsigned>(found.size()));
      for (unsigned i = 0; i < jobs.size(); ++i)
        writeSummary(*found[i].entry, found[i].known, jobs[i]);
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
  JobTable& table_;
};

}  // namespace

wire::Jobs::Client makeJobs(JobTable& table, Session& session, AuditLog& audit) {
  return kj::heap<JobsServer>(table, session, audit);
}

wire::JobView::Client makeJobView(JobTable& table) {
  return kj::heap<JobViewServer>(table);
}

}  // namespace nodeagent
