#include "nodeagent/service/services_server.h"

#include <signal.h>
#include <time.h>

#include <algorithm>

#include <kj/debug.h>

#include "schema/support/base/wire_error.h"

namespace nodeagent::service {
namespace {

using Action = wire::ServiceAction;
using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;

constexpr int64_t kDeadlineMaxNs = 600'000'000'000;
constexpr int64_t kWaitMaxNs = 20'000'000'000;
// A look starts a program, so that it is not made as often as others.
constexpr auto kLookPause = 100 * kj::MILLISECONDS;

int64_t readClock(clockid_t clock) {
  struct timespec now = {};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void writeStatus(wire::ServiceStatus::Builder builder, const Status& status) {
  builder.setManager(status.manager);
  builder.setState(status.state);
  builder.setSubstate(status.substate);
  builder.setMainPid(status.mainPid);
  builder.setEnabled(status.enabled);
  builder.setDescription(status.description);
  auto log = builder.initLog(static_cast<unsigned>(status.log.size()));
  for (unsigned i = 0; i < log.size(); ++i) log.set(i, status.log[i]);
}

// Returns `mark`, or the beginning of the present start if that was earlier.
int64_t markOf(int64_t mark, const Status& status) {
  if (status.startedMonotonicNs == 0) return mark;
  int64_t ageNs = readClock(CLOCK_MONOTONIC) - status.startedMonotonicNs;
  return std::min(mark, readClock(CLOCK_REALTIME) - ageNs);
}

void requireActable(wire::Services::ActParams::Reader params) {
  actionText(params.getAction());
  int64_t deadlineNs = params.getDeadlineNs();
  if (deadlineNs <= 0 || deadlineNs > kDeadlineMaxNs) {
    support::fail(Kind::INVALID, "deadlineNs: ", deadlineNs, " is not between 1 ns and 10 min");
  }
  int32_t signal = params.getSignal();
  bool isKill = params.getAction() == Action::KILL;
  if (isKill && (signal <= 0 || signal > SIGRTMAX)) {
    support::fail(Kind::INVALID, "signal: ", signal, " is none; they are from 1 to ", SIGRTMAX);
  }
  if (!isKill && signal != 0) {
    support::fail(Kind::INVALID, "signal: ", signal, " was given with another action than kill");
  }
}

}  // namespace

kj::Promise<kj::Own<const Target>> ServiceViewServer::find(kj::String name, kj::String user) {
  requireServiceName(name);
  using Found = kj::Own<const Target>;
  if (user.size() == 0) {
    return makeTarget(kj::mv(name), kj::mv(user), nullptr, control_.paths);
  }
  auto asked = control_.users.look(user, control_.statusWorker);
  return asked.then(
      [this, name = kj::mv(name), user = kj::mv(user)](kj::Maybe<User>&& known) mutable -> Found {
        if (known == nullptr) support::fail(Kind::NOT_FOUND, "user ", user, ": the node has none");
        return makeTarget(kj::mv(name), kj::mv(user), kj::mv(known), control_.paths);
      });
}

kj::Promise<Status> ServiceViewServer::look(const Target& target, Manager::Log log) {
  return control_.statusWorker.run([target = kj::atomicAddRef(target), log]() {
    return target->manager()->status(target->name, log);
  });
}

kj::Promise<void> ServiceViewServer::status(StatusContext context) {
  return support::answer(context, "services.status", [this, context]() mutable {
    auto params = context.getParams();
    return find(kj::str(params.getName()), kj::str(params.getUser()))
        .then([this](kj::Own<const Target>&& target) { return look(*target, Manager::Log::kWith); })
        .then([context](Status&& status) mutable {
          writeStatus(context.getResults().initStatus(), status);
        });
  });
}

kj::Promise<Status> ServiceViewServer::lookUntil(kj::Own<const Target> target, kj::TimePoint end) {
  auto looked = look(*target, Manager::Log::kWithout);
  return looked.then(
      [this, target = kj::mv(target), end](Status&& status) mutable -> kj::Promise<Status> {
        bool isOver = control_.timer.now() + kLookPause > end;
        if (status.state == State::RUNNING || status.state == State::FAILED || isOver) {
          return kj::mv(status);
        }
        return control_.timer.afterDelay(kLookPause)
            .then([this, target = kj::mv(target), end]() mutable {
              return lookUntil(kj::mv(target), end);
            });
      });
}

kj::Promise<void> ServiceViewServer::awaitActive(AwaitActiveContext context) {
  auto answered = support::answer(context, "services.awaitActive", [this, context]() mutable {
    auto params = context.getParams();
    int64_t waitNs = params.getWaitNs();
    if (waitNs < 0 || waitNs > kWaitMaxNs) {
      support::fail(Kind::INVALID, "waitNs: ", waitNs, " is not between 0 and 20 s");
    }
    if (control_.waits >= Control::kWaitsMax) {
      support::fail(Kind::OVERLOADED, "the node has ", Control::kWaitsMax,
                    " waits for services under way already");
    }
    ++control_.waits;
    auto end = control_.timer.now() + waitNs * kj::NANOSECONDS;
    auto isOver = kj::defer([&control = control_]() { --control.waits; });
    return find(kj::str(params.getName()), kj::str(params.getUser()))
        .then([this, context, end](kj::Own<const Target>&& target) mutable {
          return answerActive(context, kj::mv(target), end);
        })
        .attach(kj::mv(isOver));
  });
  context.allowCancellation();
  return answered;
}

// The controller knows how long this may take behind `end`: a look, and then the journal.
kj::Promise<void> ServiceViewServer::answerActive(AwaitActiveContext context,
                                                  kj::Own<const Target> target, kj::TimePoint end) {
  int64_t mark = context.getParams().getMarkRealtimeNs();
  if (mark == 0) mark = readClock(CLOCK_REALTIME);
  auto looked = lookUntil(kj::atomicAddRef(*target), end);
  return looked.then([this, context, mark,
                      target = kj::mv(target)](Status&& status) mutable -> kj::Promise<void> {
    auto results = context.getResults();
    int64_t since = markOf(mark, status);
    writeStatus(results.initStatus(), status);
    results.setMarkRealtimeNs(since);
    if (status.state == State::RUNNING) return kj::READY_NOW;
    auto task = [target = kj::mv(target), since]() {
      return target->manager()->journalSince(target->name, since);
    };
    return control_.statusWorker.run(kj::mv(task)).then([context](Journal&& journal) mutable {
      auto lines = context.getResults().initJournal(static_cast<unsigned>(journal.lines.size()));
      for (unsigned i = 0; i < lines.size(); ++i) lines.set(i, journal.lines[i]);
      context.getResults().setJournalNote(journal.note);
    });
  });
}

kj::Promise<ActResult> ServicesServer::perform(wire::Services::ActParams::Reader params,
                                               kj::Own<const Target> target) {
  session_->requireOpen();
  auto action = params.getAction();
  int64_t deadlineNs = params.getDeadlineNs();
  int signal = params.getSignal();
  if (action == Action::KILL) control_.deaths.provoke(target->name.cStr(), signal);
  auto line = control_.audit.line(*session_, "services.act",
                                  {{"name", target->name},
                                   {"user", target->userName},
                                   {"action", actionText(action)},
                                   {"signal", signal},
                                   {"restore", params.getRestore()}});
  auto task = [target = kj::atomicAddRef(*target), action, deadlineNs, signal]() {
    auto manager = target->manager();
    return action == Action::KILL ? manager->kill(target->name, signal, deadlineNs)
                                  : manager->act(target->name, action, deadlineNs);
  };
  auto whole = audited(kj::mv(line), kj::mv(task));
  if (!params.getRestore()) return control_.actWorker.run(kj::mv(whole));
  return control_.restores.run(*session_, kj::mv(target), action, kj::mv(whole));
}

kj::Promise<void> ServicesServer::act(ActContext context) {
  return support::answer(context, "services.act", [this, context]() mutable {
    session_->requireOpen();
    auto params = context.getParams();
    requireActable(params);
    return control_.restores.recovered()
        .then(
            [this, params]() { return find(kj::str(params.getName()), kj::str(params.getUser())); })
        .then([this, context, params](kj::Own<const Target>&& target) mutable {
          auto limit = params.getDeadlineNs() * kj::NANOSECONDS;
          return control_.restores.settled(*target, limit)
              .then([this, params, target = kj::atomicAddRef(*target)]() mutable {
                return perform(params, kj::mv(target));
              })
              .then([this, context, target = kj::mv(target)](ActResult&& result) mutable {
                return answerAct(context, kj::mv(target), kj::mv(result));
              });
        });
  });
}

// Answers with the action's result and the status afterwards. The status comes beside a failure
// too, if it can be read.
kj::Promise<void> ServicesServer::answerAct(ActContext context, kj::Own<const Target> target,
                                            ActResult result) {
  context.getResults().setOutput(result.output);
  bool failed = result.kind != Kind::UNSPECIFIED;
  if (failed) {
    support::writeError(context.getResults().initError(), {result.kind, 0, kj::mv(result.text)});
  }
  return look(*target, Manager::Log::kWith)
      .then([context](Status&& status) mutable {
        writeStatus(context.getResults().initStatus(), status);
      })
      .catch_([failed](kj::Exception&& exception) {
        // The action's own failure says more than a second one about its status.
        if (!failed) kj::throwFatalException(kj::mv(exception));
      });
}

}  // namespace nodeagent::service
