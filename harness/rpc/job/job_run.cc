// Runs commands to their end, and ends those that nobody waits for any more. The exchanges with the
// agent that this is made of are in job_runner.cc.
#include <algorithm>

#include <kj/debug.h>

#include "harness/rpc/job/job_runner.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/log.h"

namespace harness {
namespace {

using Kind = muster::NodeError::Kind;
using std::chrono::nanoseconds;

// The end of a command that nobody waits for is left to its deadline and its session after this.
constexpr std::chrono::minutes kAbandonMax{5};
constexpr std::chrono::milliseconds kSettleEvery{250};
constexpr std::chrono::milliseconds kDeadlineMin{1};

class Abandoned final : public kj::TaskSet::ErrorHandler {
 public:
  void taskFailed(kj::Exception&& exception) override {
    support::log(support::Level::kDebug, "a command is left to the end of its session",
                 {{"error", exception.getDescription()}});
  }
};

}  // namespace

JobRunner::JobRunner(Connection& connection, const ScopeStack& scopes)
    : connection_(connection),
      scopes_(scopes),
      backgroundErrors_(kj::heap<Abandoned>()),
      background_(kj::heap<kj::TaskSet>(*backgroundErrors_)),
      releases_(kj::heap<kj::TaskSet>(*backgroundErrors_)) {}

kj::Promise<muster::Result> JobRunner::run(SharedRequest request, SteadyTime until) {
  bool isDetached = request->options.lifetime == muster::CommandLifetime::kDetached;
  JobHandle job = make(std::move(request));
  nanoseconds allowed = job->deadline;
  SteadyTime begin = now();
  SteadyTime sendUntil = allowed < until - begin ? begin + allowed : until;
  return connection_.live(sendUntil).then(
      [this, job, until, begin, allowed, isDetached](kj::Own<EstablishedConnection>&&) {
        // The time that connecting took is taken off the command's: it must have ended when this
        // returns.
        if (!isDetached) {
          job->deadline = std::max<nanoseconds>(kDeadlineMin, allowed - (now() - begin));
        }
        return runSent(job, until);
      });
}

// Runs a command to its end over a connection that there was a moment ago. A command that fails in
// a way that leaves open whether it runs is abandoned, so that nothing goes on unseen: a lost
// connection or a timeout may hide that the agent took it.
kj::Promise<muster::Result> JobRunner::runSent(JobHandle job, SteadyTime until) {
  // A command with little input is sent and followed by one call.
  auto begun = isInputStreamed(*job->request) ? start(job, until) : kj::READY_NOW;
  auto ended = begun.then([this, job, until]() { return pull(job, PullUntil::kEnded, until); });
  return ended.then(
      [this, job](bool hasEnded) {
        if (!hasEnded) return resultAt(job);
        release(job);
        return kj::mv(job->result);
      },
      [this, job](kj::Exception&& exception) -> muster::Result {
        Kind kind = kindOf(exception);
        bool mayRun = job->started || kind == Kind::kUnreachable || kind == Kind::kTimeout;
        if (mayRun) abandon(job);
        kj::throwFatalException(kj::mv(exception));
      });
}

// Tells how far a command got whose time is over. The text names what is known, because each case
// is another fault: output that was not read, an agent that never answered, a command that runs.
muster::Result JobRunner::resultAt(JobHandle job) {
  abandon(job);
  if (job->result.stillEnding) return kj::mv(job->result);
  std::string known = connection_.silenceText().cStr();
  if (job->endKnown) {
    known = "it ended (" + toString(job->result.outcome) + "), but its output was not read by then";
  } else if (!job->started) {
    known += ", and did not say whether it began; if so, it ends the command";
  } else {
    known += ", when the command ran as pid " + std::to_string(job->result.pid) +
             "; it ends the command";
  }
  if (job->started) known += "; " + wroteText(job->result);
  support::fail(wire::Error::Kind::TIMEOUT,
                kj::str("the time that was allowed, ", durationText(job->result.deadline).c_str(),
                        ", is over; ", known.c_str()));
}

// Cancels first, waits for the end next, and releases last: only an ended command has a number that
// the agent may forget.
void JobRunner::abandon(JobHandle job) {
  bool isDetached = job->request->options.lifetime == muster::CommandLifetime::kDetached;
  if (isDetached || job->generation == 0) return;
  SteadyTime until = now() + kAbandonMax;
  auto ended = cancel(job, job->request->options.grace, until).then([this, job, until]() {
    return settle(job, until);
  });
  background_->add(kj::mv(ended));
}

// Waits for the end without the output, so that the command can be released. Looks again after a
// while instead of waiting at the agent.
kj::Promise<void> JobRunner::settle(JobHandle job, SteadyTime until) {
  auto attempt = [this, job](EstablishedConnection& live) -> kj::Promise<bool> {
    if (lostMeanwhile(live, *job)) return true;
    auto request = live.get<wire::Jobs>().followRequest();
    request.setNumber(job->number);
    request.initFollow();
    return request.send().then([job](auto&& response) {
      requireNoError(response);
      auto state = response.getProgress().getStatus().getState();
      job->ended = job->endKnown = state == wire::JobStatus::State::ENDED;
      return job->ended;
    });
  };
  return connection_.call<bool>(until, attempt, job->scope)
      .then([this, job, until](bool ended) -> kj::Promise<void> {
        if (ended) {
          release(job);
          return kj::READY_NOW;
        }
        return connection_.loop()
            .timer()
            .afterDelay(nanoseconds(kSettleEvery).count() * kj::NANOSECONDS)
            .then([this, job, until]() { return settle(job, until); });
      });
}

void JobRunner::cancelLater(JobHandle job, nanoseconds grace) {
  background_->add(cancel(job, grace, now() + kAbandonMax));
}

}  // namespace harness
