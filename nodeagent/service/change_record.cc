#include "nodeagent/service/change_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "schema/support/base/id.h"

namespace nodeagent::service {
namespace {

using Action = wire::ServiceAction;
using Enabled = wire::ServiceStatus::Enabled;
using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;

// The lines of a record: name, user, state, whether it has `enabled`, enabled.
constexpr size_t kFields = 5;

bool runs(State state) {
  return state == State::RUNNING || state == State::STARTING;
}

// Performs the actions of one return, and keeps the first failure.
class Return {
 public:
  Return(Manager& manager, kj::StringPtr name, const BringBackLimits& limits)
      : manager_(manager), name_(name), limits_(limits) {}

  void act(Action action) {
    bool isLong = action == Action::START || action == Action::STOP;
    ActResult result = manager_.act(name_, action, isLong ? limits_.startNs : limits_.otherNs);
    if (result.kind == Kind::UNSPECIFIED || failure_ != nullptr) return;
    failure_ = support::Failure{result.kind, 0, kj::mv(result.text)};
  }

  State state() { return manager_.status(name_, Manager::Log::kWithout).state; }

  kj::Maybe<support::Failure> takeFailure() { return kj::mv(failure_); }

 private:
  Manager& manager_;
  kj::StringPtr name_;
  const BringBackLimits limits_;
  kj::Maybe<support::Failure> failure_;
};

void bringStateBack(Return& back, const Status& now, State before) {
  bool canReset = now.manager != wire::ServiceStatus::Manager::SYSV;
  if (runs(before)) {
    if (runs(now.state)) return;
    // A service that has failed often is not started again before that.
    if (now.state == State::FAILED && canReset) back.act(Action::RESET_FAILED);
    back.act(Action::START);
    return;
  }
  if (now.state == before || now.state == State::STOPPED) return;
  if (now.state != State::FAILED || !canReset) back.act(Action::STOP);
  if (canReset && back.state() == State::FAILED) back.act(Action::RESET_FAILED);
}

kj::Array<kj::String> linesOf(const ChangeRecord& record) {
  bool hasEnabled = record.enabled != nullptr;
  auto enabled = record.enabled.orDefault(Enabled::UNSPECIFIED);
  return kj::arr(toField(record.name), toField(record.user),
                 kj::str(static_cast<unsigned>(record.state)), kj::str(hasEnabled ? 1 : 0),
                 kj::str(static_cast<unsigned>(enabled)));
}

kj::Maybe<ChangeRecord> recordOf(kj::ArrayPtr<const kj::String> lines) {
  if (lines.size() != kFields) return nullptr;
  ChangeRecord record;
  record.name = fromField(lines[0]);
  record.user = fromField(lines[1]);
  record.state = static_cast<State>(atoi(lines[2].cStr()));
  if (lines[3] == "1") record.enabled = static_cast<Enabled>(atoi(lines[4].cStr()));
  return kj::mv(record);
}

}  // namespace

kj::Maybe<support::Failure> bringBack(Manager& manager, const ChangeRecord& record,
                                      const BringBackLimits& limits) {
  Status now;
  auto failure = kj::runCatchingExceptions(
      [&]() { now = manager.status(record.name, Manager::Log::kWithout); });
  KJ_IF_MAYBE (exception, failure) {
    auto reason = support::toFailure(*exception, "services.restore");
    // A service whose file was removed since then neither runs nor is enabled.
    bool isAsBefore = reason.kind == Kind::NOT_FOUND && !runs(record.state) &&
                      record.enabled.orDefault(Enabled::DISABLED) != Enabled::ENABLED;
    if (isAsBefore) return nullptr;
    return kj::mv(reason);
  }
  Return back(manager, record.name, limits);
  Enabled before = record.enabled.orDefault(now.enabled);
  if (now.enabled == Enabled::MASKED && before != Enabled::MASKED) {
    back.act(Action::UNMASK);
    now.enabled = manager.status(record.name, Manager::Log::kWithout).enabled;
  }
  if (record.state != State::UNSPECIFIED) bringStateBack(back, now, record.state);
  if (before != now.enabled) {
    if (before == Enabled::ENABLED) {
      back.act(Action::ENABLE);
    } else if (before == Enabled::MASKED) {
      back.act(Action::MASK);
    } else if (now.enabled == Enabled::ENABLED) {
      back.act(Action::DISABLE);
    }
  }
  return back.takeFailure();
}

kj::String ChangeJournal::newName() const {
  struct timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  char order[32];
  snprintf(order, sizeof order, "%020lld", now.tv_sec * 1'000'000'000LL + now.tv_nsec);
  return kj::str(kj::StringPtr(order), "-", support::Id::random().text().c_str());
}

// Whether a service is enabled outlives the power, and so must the record.
void ChangeJournal::write(kj::StringPtr name, const ChangeRecord& record) const {
  records_.write(name, linesOf(record), RecordDirectory::Outlives::kPowerCut);
}

kj::Maybe<ChangeRecord> ChangeJournal::read(kj::StringPtr name) const {
  auto lines = records_.read(name);
  KJ_IF_MAYBE (each, lines) return recordOf(*each);
  return nullptr;
}

}  // namespace nodeagent::service
