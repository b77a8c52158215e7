#include "nodeagent/netfault/fault_table.h"

#include <algorithm>

#include <kj/debug.h>

#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::netfault {
namespace {

using Kind = wire::Error::Kind;
using State = wire::FaultStatus::State;

// The kernel ends a session's fault somewhat later than the lease, so that it is the keeper that
// does where there is one.
constexpr int64_t kSlackNs = 2'000'000'000;
// The kernel is told again after this part of the time for which it keeps the fault.
constexpr int64_t kHoldsPerLease = 3;
constexpr int64_t kKernelHoldMinNs = 1'000'000;
constexpr int64_t kPauseMinNs = 100'000'000;
constexpr int64_t kAnswersNs = 600'000'000'000;
// A fault may leave the kernel this much before its time without having failed.
constexpr int64_t kEarlyMaxNs = 1'000'000'000;

}  // namespace

struct FaultTable::Fault final : public kj::Refcounted {
  FaultRecord record;
  // Null for one that a former keeper began.
  kj::Maybe<kj::Own<const FaultSpec>> spec;
  // Null for one that has a time of its own.
  kj::Maybe<kj::Own<Session>> session;
  kj::Own<Session::Entry> entry;

  State state = State::SETTING_UP;
  // Nobody has asked for its end: its session is over, or its time.
  bool endsByItself = false;
  // Why it failed. It stays when the fault is gone.
  kj::String reason;
  uint64_t packets = 0;
  uint64_t bytes = 0;
  kj::String witness;
  // Until then it is known, on the boot clock, even if it is gone: who began it may have been cut
  // off by it, and asks again.
  int64_t answersUntilNs = 0;
  // When the kernel ends it by itself, on the boot clock.
  int64_t kernelHoldsUntilNs = 0;

  kj::ForkedPromise<void> beginning = kj::Promise<void>(kj::READY_NOW).fork();
  kj::Maybe<kj::ForkedPromise<void>> healing;
  kj::Promise<void> watching = kj::READY_NOW;

  bool isHeld() const { return session == nullptr; }
  void fail(kj::String why) {
    state = State::FAILED;
    if (reason.size() == 0) reason = kj::mv(why);
  }
  // Takes the fault out of the undo list, unless the list is being walked.
  void dropEntry() {
    KJ_IF_MAYBE (owning, session) {
      if (!(*owning)->ending()) entry = nullptr;
    }
  }
  void take(const Shown& shown) {
    packets = std::max(packets, shown.packets);
    bytes = std::max(bytes, shown.bytes);
    witness = kj::str(shown.witness);
  }
  EffectPlace place() const { return placeOf(record); }
};

FaultTable::FaultTable(ServiceHost& host, RunTool run)
    : host_(host),
      tools_(kj::atomicRefcounted<FaultTools>(LocalHost{kj::mv(run), kj::str(host.program),
                                                        kj::str(host.stateDirectory),
                                                        kj::heapArray(host.controlPorts.asPtr())})),
      worker_(host.platform.makeWorker(1)),
      recovering_(recoverAll().fork()) {}

FaultTable::~FaultTable() noexcept(false) = default;

kj::Promise<void> FaultTable::recoverAll() {
  // The first task starts a thread, which a node without faults does without.
  if (!tools_->journal().exists()) return kj::READY_NOW;
  auto task = [tools = kj::atomicAddRef(*tools_), bootId = kj::str(host_.bootId),
               now = host_.platform.clock().boottimeNs()]() {
    return tools->recoverAll(bootId, now);
  };
  return worker_->run(kj::mv(task)).then([this](kj::Vector<FoundFault>&& found) {
    recover(kj::mv(found));
  });
}

void FaultTable::recover(kj::Vector<FoundFault> all) {
  for (auto& found : all) {
    auto fault = kj::refcounted<Fault>();
    fault->record = kj::mv(found.record);
    if (found.whyNotEnded.size() == 0) {
      fault->state = State::ACTIVE;
      watch(*fault);
    } else {
      // Somebody may try again.
      fault->fail(kj::str("it does not end: ", found.whyNotEnded));
      fault->healing = kj::Promise<void>(kj::READY_NOW).fork();
    }
    auto id = fault->record.id;
    faults_.emplace(id, kj::mv(fault));
  }
}

size_t FaultTable::count() const {
  return std::count_if(faults_.begin(), faults_.end(),
                       [](auto& each) { return each.second->state != State::GONE; });
}

void FaultTable::sweep() {
  int64_t now = host_.platform.clock().boottimeNs();
  std::erase_if(faults_, [now](auto& each) {
    return each.second->state == State::GONE && each.second->answersUntilNs <= now;
  });
}

FaultTable::Fault& FaultTable::newFault(Session& session, kj::Own<const FaultSpec> spec) {
  if (count() >= kFaultsMax) {
    support::fail(Kind::OVERLOADED, "the node has ", kFaultsMax, " faults already");
  }
  for (uint16_t port : tools_->effects().controlPorts()) {
    if (port == 0 && spec->isDrop()) {
      support::fail(Kind::UNSUPPORTED,
                    "the agent listens on a port that the kernel chose, so it cannot be left out "
                    "of the fault; give it a port by its option listen");
    }
  }
  auto fault = kj::refcounted<Fault>();
  FaultRecord& record = fault->record;
  record.id = spec->id;
  record.title = kj::str(spec->title);
  record.owner = kj::str(session.identity());
  record.bootId = kj::str(host_.bootId);
  record.text = describe(*spec);
  record.peers = copyOf(spec->peers);
  record.place = Effects::placeOf(*spec);
  record.sinceRealtimeNs = host_.platform.clock().realtimeNs();
  if (spec->holdNs > 0) {
    record.untilBoottimeNs = host_.platform.clock().boottimeNs() + spec->holdNs;
    if (spec->local.evenOurs) fault->answersUntilNs = record.untilBoottimeNs + kAnswersNs;
  } else {
    fault->session = session.addRef();
    fault->entry = session.addUndo(EndPhase::kUndo,
                                   kj::str("fault ", shortName(spec->id), " (", spec->title, ")"),
                                   [this, id = spec->id]() { return undo(id); });
  }
  fault->spec = kj::mv(spec);
  Fault& added = *fault;
  faults_.emplace(added.record.id, kj::mv(fault));
  return added;
}

int64_t FaultTable::kernelHoldNs(const Fault& fault) const {
  int64_t now = host_.platform.clock().boottimeNs();
  KJ_IF_MAYBE (session, fault.session) {
    int64_t untilNs = (*session)->leaseEndsBoottimeNs() + kSlackNs;
    return std::clamp(untilNs - now, kKernelHoldMinNs, kKernelHoldMaxNs);
  }
  return std::max(fault.record.untilBoottimeNs - now, kKernelHoldMinNs);
}

kj::Promise<void> FaultTable::begin(Fault& fault, Session& session) {
  auto& spec = KJ_ASSERT_NONNULL(fault.spec);
  int64_t holdNs = kernelHoldNs(fault);
  fault.kernelHoldsUntilNs = host_.platform.clock().boottimeNs() + holdNs;
  auto task = [tools = kj::atomicAddRef(*tools_), spec = kj::atomicAddRef(*spec),
               record = fault.record.clone(),
               holdNs]() mutable { return tools->begin(*spec, kj::mv(record), holdNs); };
  auto line = host_.audit.line(session, "faults.add",
                               {{"fault", fault.record.id.text()},
                                {"title", fault.record.title},
                                {"effect", fault.record.text},
                                {"holdNs", spec->holdNs}});
  return worker_->run(audited(kj::mv(line), kj::mv(task)))
      .then(
          [this, &fault](kj::String&& place) {
            fault.record.place = kj::mv(place);
            fault.state = State::ACTIVE;
            watch(fault);
          },
          [&fault](kj::Exception&& exception) {
            fault.state = State::GONE;
            fault.answersUntilNs = 0;
            fault.dropEntry();
            kj::throwFatalException(kj::mv(exception));
          });
}

kj::Promise<FaultReport> FaultTable::add(Session& session, kj::Own<const FaultSpec> spec) {
  session.requireOpen();
  return recovering_.addBranch().then(
      [this, session = session.addRef(), spec = kj::mv(spec)]() mutable {
        session->requireOpen();
        sweep();
        support::Id id = spec->id;
        auto found = faults_.find(id);
        if (found == faults_.end()) {
          Fault& fault = newFault(*session, kj::mv(spec));
          KJ_IF_MAYBE (exception, kj::runCatchingExceptions(
                                      [&]() { fault.beginning = begin(fault, *session).fork(); })) {
            fault.state = State::GONE;
            fault.entry = nullptr;
            kj::throwFatalException(kj::mv(*exception));
          }
        } else if (found->second->record.owner != session->identity()) {
          support::fail(Kind::CONFLICT, "fault ", shortName(id), ": it is another identity's");
        }
        return faults_.at(id)->beginning.addBranch().then([this, id]() {
          auto begun = faults_.find(id);
          if (begun == faults_.end()) {
            support::fail(Kind::EXPIRED, "fault ", shortName(id), ": it was ended meanwhile");
          }
          return reportOf(*begun->second);
        });
      });
}

void FaultTable::watch(Fault& fault) {
  // The kernel ends dropped packets alone by itself, so it need not be told of others.
  if (fault.record.place.size() > 0 && !fault.isHeld()) return;
  auto task = fault.isHeld() ? endInTime(fault) : keepHolding(fault);
  fault.watching = task.eagerlyEvaluate([&fault](kj::Exception&& exception) {
    if (fault.state == State::ACTIVE) {
      fault.fail(kj::str("it ended before its time: ", support::reasonOf(exception)));
    }
  });
}

kj::Promise<void> FaultTable::keepHolding(Fault& fault) {
  int64_t now = host_.platform.clock().boottimeNs();
  int64_t pauseNs =
      std::max<int64_t>((fault.kernelHoldsUntilNs - now) / kHoldsPerLease, kPauseMinNs);
  return host_.timer.afterDelay(pauseNs * kj::NANOSECONDS).then([this, &fault]() {
    if (fault.state != State::ACTIVE) return kj::Promise<void>(kj::READY_NOW);
    int64_t woken = host_.platform.clock().boottimeNs();
    if (woken >= fault.kernelHoldsUntilNs) {
      support::fail(Kind::SYSTEM, "the agent stood still for longer than the kernel keeps it");
    }
    // A lease that does not get longer needs no new word: the kernel ends the fault with it.
    int64_t holdNs = kernelHoldNs(fault);
    if (woken + holdNs <= fault.kernelHoldsUntilNs) return keepHolding(fault);
    auto& spec = KJ_ASSERT_NONNULL(fault.spec);
    auto task = [tools = kj::atomicAddRef(*tools_), spec = kj::atomicAddRef(*spec), holdNs]() {
      tools->effects().hold(*spec, holdNs);
    };
    return worker_->run(kj::mv(task)).then([this, &fault, woken, holdNs]() {
      fault.kernelHoldsUntilNs = woken + holdNs;
      return keepHolding(fault);
    });
  });
}

kj::Promise<void> FaultTable::endInTime(Fault& fault) {
  int64_t leftNs = fault.record.untilBoottimeNs - host_.platform.clock().boottimeNs();
  return host_.timer.afterDelay(std::max<int64_t>(leftNs, 0) * kj::NANOSECONDS)
      .then([this, &fault]() -> kj::Promise<void> {
        if (fault.state != State::ACTIVE) return kj::READY_NOW;
        // It was recorded that it would end now.
        fault.endsByItself = true;
        return startHealing(fault, []() {}).catch_([](kj::Exception&& exception) {
          support::log(support::Level::kWarn, "a fault whose time is over was not removed",
                       {{"reason", support::reasonOf(exception)}});
        });
      });
}

kj::Promise<void> FaultTable::startHealing(Fault& fault, AuditLog::Line line) {
  if (fault.state == State::GONE && fault.healing == nullptr) return kj::READY_NOW;
  KJ_IF_MAYBE (healing, fault.healing) {
    // One that failed is tried again.
    if (fault.state == State::RECOVERING || fault.state == State::GONE) return healing->addBranch();
  }
  fault.state = State::RECOVERING;
  auto task = [tools = kj::atomicAddRef(*tools_), place = fault.place()]() {
    return tools->end(place);
  };
  auto healing = worker_->run(audited(kj::mv(line), kj::mv(task)))
                     .then(
                         [&fault](Shown&& last) {
                           fault.take(last);
                           bool wasThere = last.isThere;
                           if (last.flaw.size() > 0) fault.fail(kj::str(last.flaw));
                           if (!wasThere) fault.fail(kj::str("the kernel had it no more"));
                           fault.state = State::GONE;
                         },
                         [&fault](kj::Exception&& exception) {
                           fault.fail(kj::str("it does not end: ", support::reasonOf(exception)));
                           kj::throwFatalException(kj::mv(exception));
                         })
                     .fork();
  auto branch = healing.addBranch();
  fault.healing = kj::mv(healing);
  return branch;
}

kj::Promise<kj::Maybe<FaultReport>> FaultTable::heal(Session& session, support::Id id) {
  return recovering_.addBranch().then([this, session = session.addRef(),
                                       id]() -> kj::Promise<kj::Maybe<FaultReport>> {
    auto found = faults_.find(id);
    if (found == faults_.end()) return kj::Maybe<FaultReport>();
    auto fault = kj::addRef(*found->second);
    if (fault->record.owner != session->identity() && session->role() < wire::Role::ADMIN) {
      support::fail(Kind::DENIED, "fault ", shortName(id), ": ", fault->record.owner,
                    " added it, and only an admin may end it for others");
    }
    auto line = host_.audit.line(*session, "faults.heal", {{"fault", id.text()}});
    if (fault->state != State::GONE) fault->endsByItself = false;
    auto begun = fault->beginning.addBranch();
    return begun
        .catch_([](kj::Exception&&) {
          // Whoever began it is told why that failed; here only its end counts.
        })
        .then([this, fault = kj::addRef(*fault), line = kj::mv(line)]() mutable {
          return startHealing(*fault, kj::mv(line));
        })
        .then([this, fault = kj::addRef(*fault)]() mutable -> kj::Maybe<FaultReport> {
          fault->dropEntry();
          if (fault->healing == nullptr || fault->endsByItself) return nullptr;
          if (fault->reason.size() > 0) {
            support::fail(Kind::SYSTEM, "fault ", shortName(fault->record.id), ": ", fault->reason);
          }
          return reportOf(*fault);
        });
  });
}

kj::Promise<kj::Maybe<support::Failure>> FaultTable::undo(support::Id id) {
  auto found = faults_.find(id);
  if (found == faults_.end()) return kj::Maybe<support::Failure>();
  auto fault = kj::addRef(*found->second);
  fault->endsByItself = fault->healing == nullptr;
  auto begun = fault->beginning.addBranch();
  return begun
      .catch_([](kj::Exception&&) {
        // It failed, and nothing is left of it; the end makes sure.
      })
      .then([this, fault = kj::mv(fault)]() mutable { return startHealing(*fault, []() {}); })
      .then([]() { return kj::Maybe<support::Failure>(); });
}

kj::Promise<kj::Vector<FaultReport>> FaultTable::list() {
  return recovering_.addBranch()
      .then([this]() {
        sweep();
        kj::Vector<EffectPlace> places;
        for (auto& [id, fault] : faults_) {
          if (fault->state == State::ACTIVE || fault->state == State::FAILED) {
            places.add(fault->place());
          }
        }
        return worker_->run([tools = kj::atomicAddRef(*tools_), places = kj::mv(places)]() {
          std::map<support::Id, Shown> shown;
          for (auto& place : places) shown[place.id] = tools->look(place);
          return shown;
        });
      })
      .then([this](std::map<support::Id, Shown>&& shown) {
        kj::Vector<FaultReport> reports;
        for (auto& [id, fault] : faults_) {
          auto found = shown.find(id);
          if (found != shown.end()) look(*fault, found->second);
          if (fault->state != State::GONE) reports.add(reportOf(*fault));
        }
        return reports;
      });
}

void FaultTable::look(Fault& fault, const Shown& shown) {
  fault.take(shown);
  // Its end failed, and somebody else has removed it since.
  if (fault.state == State::FAILED && fault.healing != nullptr && !shown.isThere &&
      !shown.isForeign) {
    fault.state = State::GONE;
    fault.dropEntry();
    worker_->start(
        [tools = kj::atomicAddRef(*tools_), id = fault.record.id]() { tools->journal().drop(id); });
    return;
  }
  bool isThere = shown.isThere && shown.isWorking;
  int64_t until = fault.isHeld() ? fault.record.untilBoottimeNs : fault.kernelHoldsUntilNs;
  // What the kernel does not end by itself lasts as long as its session.
  if (!fault.isHeld() && fault.record.place.size() > 0) until = INT64_MAX;
  bool isEarly = host_.platform.clock().boottimeNs() + kEarlyMaxNs < until;
  if (fault.state == State::ACTIVE && !isThere && isEarly) {
    fault.fail(kj::str("the kernel has it no more"));
  }
}

FaultReport FaultTable::reportOf(const Fault& fault) const {
  FaultReport report;
  report.id = fault.record.id;
  report.title = kj::str(fault.record.title);
  report.state = fault.state;
  report.sinceRealtimeNs = fault.record.sinceRealtimeNs;
  int64_t until = fault.record.untilBoottimeNs;
  KJ_IF_MAYBE (session, fault.session) until = (*session)->leaseEndsBoottimeNs();
  report.remainingNs = std::max<int64_t>(until - host_.platform.clock().boottimeNs(), 0);
  report.isHeld = fault.isHeld();
  report.owner = kj::str(fault.record.owner);
  report.peers = copyOf(fault.record.peers);
  report.text = kj::str(fault.record.text);
  report.packets = fault.packets;
  report.bytes = fault.bytes;
  report.reason = kj::str(fault.reason);
  report.witness = kj::str(fault.witness);
  return report;
}

}  // namespace nodeagent::netfault
