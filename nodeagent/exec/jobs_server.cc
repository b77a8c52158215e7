#include "nodeagent/exec/jobs_server.h"

#include <signal.h>

#include <string>
#include <vector>

#include "schema/support/base/text.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::exec {
namespace {

using Kind = wire::Error::Kind;

constexpr unsigned kListMax = 1000;
constexpr size_t kArgumentBytesListed = 256;

// Puts the progress of a job into the results of a call.
template <typename Context>
class AnswerOfCall final : public ProgressAnswer {
 public:
  explicit AnswerOfCall(Context context) : context_(kj::mv(context)) {}

  wire::JobProgress::Builder init(uint64_t wordsMax) override {
    return context_.getResults(capnp::MessageSize{wordsMax, 0}).initProgress();
  }

  wire::JobProgress::Builder copy(wire::JobProgress::Reader progress) override {
    auto size = progress.totalSize();
    auto results = context_.getResults(capnp::MessageSize{size.wordCount + kResultsWords, 0});
    results.setProgress(progress);
    return results.getProgress();
  }

 private:
  static constexpr uint64_t kResultsWords = 8;

  Context context_;
};

// Answers a method that has a follow. Its caller may drop the call, which ends the wait and not the
// job.
template <typename Context>
kj::Promise<void> followJob(Context context, KeptJob& job, wire::Follow::Reader follow) {
  auto answered = job.follow(follow, kj::heap<AnswerOfCall<Context>>(context));
  context.allowCancellation();
  // The parameters are not needed during the wait, and a specification may be large.
  context.releaseParams();
  return answered;
}

support::Id readSessionId(capnp::Data::Reader bytes) {
  if (!support::Id::fits(bytes)) {
    support::fail(Kind::INVALID, "sessionId: ", bytes.size(), " bytes, must be 16");
  }
  return support::Id::from(bytes);
}

// Calls `act`, which returns a promise, at once or when the audit line has been written.
template <typename Act>
kj::Promise<void> afterLine(kj::Maybe<kj::Promise<void>> written, Act act) {
  KJ_IF_MAYBE (line, written) return line->then(kj::mv(act));
  return act();
}

// Each method that changes something checks that the session is open and its parameters, finds the
// job, writes the audit line, and then acts. The disk may take its time for the line, so the job is
// found again afterwards.
class JobsServer final : public wire::Jobs::Server {
 public:
  JobsServer(KeptJobs& jobs, Session& session, AuditLog& audit)
      : jobs_(jobs), session_(session.addRef()), audit_(audit) {}

  kj::Promise<void> run(RunContext context) override {
    return support::answer(context, "jobs.run", [this, context]() mutable {
      auto params = context.getParams();
      // Acknowledgements come before the start. The answer waits for those that are passed on to
      // shims.
      kj::Maybe<kj::Promise<void>> acknowledged;
      if (params.hasAcknowledge())
        acknowledged = jobs_.acknowledge(*session_, params.getAcknowledge());
      auto started = jobs_.run(*session_, audit_, params.getNumber(), params.getSpec());
      auto followed = started.is<KeptJob*>()
                          ? followJob(context, *started.get<KeptJob*>(), params.getFollow())
                          : followLater(context, kj::mv(started.get<kj::Promise<KeptJob*>>()));
      KJ_IF_MAYBE (passed, acknowledged) {
        return kj::joinPromises(kj::arr(kj::mv(*passed), kj::mv(followed)));
      }
      return followed;
    });
  }

  kj::Promise<void> follow(FollowContext context) override {
    return support::answer(context, "jobs.follow", [this, context]() mutable {
      return withJob(context.getParams().getNumber(), [context](KeptJob& job) mutable {
        return followJob(context, job, context.getParams().getFollow());
      });
    });
  }

  kj::Promise<void> writeInput(WriteInputContext context) override {
    return support::answer(context, "jobs.writeInput", [this, context]() mutable {
      session_->requireOpen();
      return withJob(context.getParams().getNumber(), [context](KeptJob& job) mutable {
        auto params = context.getParams();
        return job
            .writeInput(params.getChunk(),
                        params.getEnd() ? AfterInput::kEnds : AfterInput::kStaysOpen)
            .then([context](uint64_t acceptedTo) mutable {
              context.getResults().setAcceptedTo(acceptedTo);
            });
      });
    });
  }

  kj::Promise<void> signal(SignalContext context) override {
    return support::answer(context, "jobs.signal", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      int number = params.getSignal();
      if (number < 1 || number > SIGRTMAX)
        support::fail(Kind::INVALID, "signal: ", number, ", must be from 1 to ", SIGRTMAX);
      if (params.getTarget() > wire::Jobs::Target::ALL)
        support::fail(Kind::INVALID, "target: not known to this agent");
      return withJob(params.getNumber(), [this, number, target = params.getTarget()](KeptJob& job) {
        auto written =
            audit_.record(*session_, "jobs.signal", {{"number", job.number()}, {"signal", number}});
        return afterLine(kj::mv(written), [this, number, target, jobNumber = job.number()]() {
          return get(jobNumber).signal(number, target);
        });
      });
    });
  }

  kj::Promise<void> cancel(CancelContext context) override {
    return support::answer(context, "jobs.cancel", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      return withJob(params.getNumber(), [this, graceNs = params.getGraceNs()](KeptJob& job) {
        auto written = audit_.record(*session_, "jobs.cancel", {{"number", job.number()}});
        return afterLine(kj::mv(written), [this, graceNs, number = job.number()]() {
          return get(number).cancel(graceNs);
        });
      });
    });
  }

  kj::Promise<void> cancelOf(CancelOfContext context) override {
    return support::answer(context, "jobs.cancelOf", [this, context]() mutable {
      session_->requireAlive();
      auto params = context.getParams();
      // The job may belong to any session, so its identity decides, and an admin may end every job.
      auto owner = readSessionId(params.getSessionId());
      auto& job = jobs_.getLeft(owner, params.getNumber());
      if (job.identity() != session_->identity() && session_->role() != wire::Role::ADMIN) {
        support::fail(Kind::DENIED, "job ", job.number(), " of session ", owner.text().c_str(),
                      " is of \"", job.identity(), "\": only it or an admin may end it");
      }
      // Who makes way for others on a node that is reserved may end what is theirs.
      auto user = labelOf(session_->labels(), kUserLabel);
      bool isOwn = job.identity() == session_->identity() && user.size() > 0 &&
                   labelOf(job.labels(), kUserLabel) == user;
      if (!isOwn) session_->requireOpen();
      auto written = audit_.record(*session_, "jobs.cancelOf",
                                   {{"owner_session", owner.text()}, {"number", job.number()}});
      return afterLine(kj::mv(written),
                       [this, owner, number = job.number(), graceNs = params.getGraceNs()]() {
                         return jobs_.getLeft(owner, number).cancel(graceNs);
                       });
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
      return withJob(params.getNumber(), [columns = params.getColumns(), rows = params.getRows()](
                                             KeptJob& job) { return job.resize(columns, rows); });
    });
  }

  kj::Promise<void> acknowledge(AcknowledgeContext context) override {
    return support::answer(
        context, "jobs.acknowledge", [this, context]() mutable -> kj::Promise<void> {
          context.allowCancellation();
          auto acknowledged = jobs_.acknowledge(*session_, context.getParams().getNumbers());
          KJ_IF_MAYBE (passed, acknowledged) return kj::mv(*passed);
          return kj::READY_NOW;
        });
  }

  kj::Promise<void> adopt(AdoptContext context) override {
    return support::answer(context, "jobs.adopt", [this, context]() mutable {
      session_->requireOpen();
      auto params = context.getParams();
      return jobs_.adopt(*session_, params.getSessionIds(), params.getNumber());
    });
  }

 private:
  KeptJob& get(uint64_t number) { return jobs_.get(session_->id(), number); }

  // Calls `act` with the job, which a start before this call may still be about to make.
  template <typename Act>
  kj::Promise<void> withJob(uint64_t number, Act act) {
    KJ_IF_MAYBE (starting, jobs_.starting(session_->id(), number)) {
      return starting->then(
          [this, number, act = kj::mv(act)]() mutable { return act(get(number)); });
    }
    return act(get(number));
  }

  static kj::Promise<void> followLater(RunContext context, kj::Promise<KeptJob*> started) {
    return started.then([context](KeptJob* job) mutable {
      return followJob(context, *job, context.getParams().getFollow());
    });
  }

  KeptJobs& jobs_;
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

void writeArguments(const std::vector<std::string>& arguments,
                    wire::JobView::Summary::Builder summary) {
  auto argv = summary.initArgv(static_cast<unsigned>(arguments.size()));
  for (unsigned i = 0; i < argv.size(); ++i) {
    auto cut = support::beginningOf(arguments[i], kArgumentBytesListed);
    argv.set(
        i, kj::StringPtr(arguments[i].c_str(), arguments[i].size()).asBytes().slice(0, cut.size()));
  }
}

void writeSummary(KeptJob& job, wire::JobView::Summary::Builder summary) {
  summary.setSessionId(job.sessionId().data());
  summary.setNumber(job.number());
  summary.setIdentity(job.identity());
  auto labels = summary.initLabels(static_cast<unsigned>(job.labels().size()));
  for (unsigned i = 0; i < labels.size(); ++i) {
    labels[i].setName(job.labels()[i].name);
    labels[i].setValue(job.labels()[i].value);
  }
  writeArguments(job.shownArgv(), summary);
  job.writeStatus(summary);
  summary.setAlive(job.isAlive());
  summary.setProcesses(job.processCount());
  summary.setAcknowledged(job.isAcknowledged());
}

class JobViewServer final : public wire::JobView::Server {
 public:
  explicit JobViewServer(KeptJobs& jobs) : jobs_(jobs) {}

  kj::Promise<void> list(ListContext context) override {
    return support::answer(context, "jobView.list", [this, context]() mutable -> kj::Promise<void> {
      auto which = context.getParams().getWhich();
      if (which > wire::JobView::Which::ALIVE) {
        support::fail(Kind::INVALID, "which: ", static_cast<int>(which),
                      " is not known to this agent");
      }
      // A list asks first, because only the shims know how their jobs are, and only the kernel how
      // many processes there are.
      return jobs_.look().then([this, context]() mutable { writeList(context); });
    });
  }

  kj::Promise<void> follow(FollowContext context) override {
    return support::answer(context, "jobView.follow", [this, context]() mutable {
      auto params = context.getParams();
      auto session = readSessionId(params.getSessionId());
      if (params.getFollow().getReleaseTo()) {
        support::fail(Kind::INVALID, "follow.releaseTo: set, but a view changes nothing");
      }
      return followJob(context, jobs_.get(session, params.getNumber()), params.getFollow());
    });
  }

 private:
  void writeList(ListContext context) {
    auto params = context.getParams();
    unsigned max = params.getMax() == 0 ? kListMax : kj::min(params.getMax(), kListMax);
    bool aliveOnly = params.getWhich() == wire::JobView::Which::ALIVE;
    bool truncated = false;
    kj::Vector<KeptJob*> found;
    jobs_.visit([&](KeptJob& job) {
      if (aliveOnly && !job.isAlive()) return true;
      if (!carriesAll(job.labels(), params.getLabels())) return true;
      // One job beyond the maximum is looked for, so that a full list is not called truncated.
      truncated = found.size() == max;
      if (!truncated) found.add(&job);
      return !truncated;
    });
    auto results = context.getResults();
    results.setTruncated(truncated);
    auto jobs = results.initJobs(static_cast<unsigned>(found.size()));
    for (unsigned i = 0; i < jobs.size(); ++i) writeSummary(*found[i], jobs[i]);
  }

  KeptJobs& jobs_;
};

// Serves two interfaces that have no common one in the schema, so it passes calls on by the id of
// their interface.
class JobsAndViewServer final : public capnp::Capability::Server {
 public:
  JobsAndViewServer(KeptJobs& jobs, Session& session, AuditLog& audit)
      : jobs_(jobs, session, audit), view_(jobs) {}

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

capnp::Capability::Client makeJobsAndView(KeptJobs& jobs, Session& session, AuditLog& audit) {
  return kj::heap<JobsAndViewServer>(jobs, session, audit);
}

wire::Jobs::Client makeJobs(KeptJobs& jobs, Session& session, AuditLog& audit) {
  return kj::heap<JobsServer>(jobs, session, audit);
}

wire::JobView::Client makeJobView(KeptJobs& jobs) {
  return kj::heap<JobViewServer>(jobs);
}

}  // namespace nodeagent::exec
