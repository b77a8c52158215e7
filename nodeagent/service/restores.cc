#include "nodeagent/service/restores.h"

#include <kj/debug.h>

#include "schema/support/base/log.h"

namespace nodeagent::service {
namespace {

using Action = wire::ServiceAction;
using Enabled = wire::ServiceStatus::Enabled;
using Kind = wire::Error::Kind;
using State = wire::ServiceStatus::State;

bool changesState(Action action) {
  return action == Action::START || action == Action::STOP || action == Action::RESTART ||
         action == Action::KILL;
}

bool changesEnabled(Action action) {
  return action == Action::ENABLE || action == Action::DISABLE || action == Action::MASK ||
         action == Action::UNMASK;
}

// Adds to the record what `action` may change, as it is now.
ChangeRecord look(const Target& target, ChangeRecord record, Action action) {
  Status status = target.manager()->status(target.name, Manager::Log::kWithout);
  if (changesState(action)) {
    if (status.state == State::UNSPECIFIED) {
      support::fail(Kind::UNSUPPORTED, actionText(action), " ", target.name,
                    ": its script does not tell whether it runs, so that could not be restored; "
                    "ask for no restoration (UndoAt::kNever)");
    }
    record.state = status.state;
  } else {
    record.enabled = status.enabled;
  }
  return record;
}

// Returns why the service of a record could not be brought back.
kj::Maybe<support::Failure> bringBackRecorded(const ChangeRecord& record, const InitPaths& paths,
                                              const BringBackLimits& limits) {
  kj::Maybe<support::Failure> failure;
  auto thrown = kj::runCatchingExceptions([&]() {
    kj::Maybe<User> user;
    if (record.user.size() > 0) {
      user = UserDatabase().find(record.user);
      if (user == nullptr) support::fail(Kind::NOT_FOUND, "user ", record.user, ": is gone");
    }
    auto target = makeTarget(kj::str(record.name), kj::str(record.user), kj::mv(user), paths);
    failure = bringBack(*target->manager(), record, limits);
  });
  KJ_IF_MAYBE (exception, thrown) return support::toFailure(*exception, "services.restore");
  return failure;
}

// Tells whether another try may bring the service back. A manager that has answered would say the
// same again.
bool isUnfinished(const support::Failure& failure) {
  return failure.kind == Kind::TIMEOUT || failure.kind == Kind::OVERLOADED;
}

// Tries once, and keeps the record only if there is to be another try.
kj::Maybe<support::Failure> bringBackNoted(const ChangeJournal& journal, kj::StringPtr file,
                                           const ChangeRecord& record, const InitPaths& paths,
                                           const BringBackLimits& limits) {
  auto failure = bringBackRecorded(record, paths, limits);
  bool isOwed = false;
  KJ_IF_MAYBE (reason, failure) isOwed = isUnfinished(*reason);
  if (!isOwed) journal.drop(file);
  return failure;
}

// Returns what a session's end is told of the first try.
kj::Maybe<support::Failure> told(const kj::Maybe<support::Failure>& outcome) {
  KJ_IF_MAYBE (reason, outcome) {
    support::Failure failure = reason->clone();
    if (isUnfinished(failure)) failure.text = kj::str(failure.text, "; the node tries again");
    return kj::mv(failure);
  }
  return nullptr;
}

}  // namespace

Restores::Restores(Worker& worker, kj::Timer& timer, const InitPaths& paths,
                   kj::StringPtr stateDirectory, const RestoreLimits& limits)
    : worker_(worker),
      timer_(timer),
      paths_(paths),
      limits_(limits),
      journal_(kj::atomicRefcounted<ChangeJournal>(
          stateDirectory.size() == 0 ? kj::String() : kj::str(stateDirectory, "/services"))),
      recovering_(recover().fork()),
      tasks_(*this) {}

kj::Promise<void> Restores::recover() {
  // The names are read here, before a session of this keeper can add to them. Without any, no
  // thread is started.
  auto names = journal_->names();
  if (names.size() == 0) return kj::READY_NOW;
  auto task = [journal = kj::atomicAddRef(*journal_), names = kj::mv(names), paths = paths_,
               limits = limits_.actions]() {
    kj::Vector<Left> left;
    for (auto& name : names) {
      auto read = journal->read(name);
      KJ_IF_MAYBE (record, read) {
        auto failure = bringBackNoted(*journal, name, *record, paths, limits);
        KJ_IF_MAYBE (reason, failure) {
          support::log(support::Level::kWarn,
                       "a killed keeper's service was not restored; going on",
                       {{"service", record->name}, {"reason", reason->text}});
          bool isOwed = isUnfinished(*reason);
          if (isOwed) left.add(Left{kj::mv(*record), kj::str(name), kj::mv(*reason)});
        } else {
          support::log(support::Level::kInfo, "restored a service of a killed keeper",
                       {{"service", record->name}});
        }
      } else {
        support::log(support::Level::kWarn, "removing a damaged record of a service; going on",
                     {{"record", name}});
        journal->drop(name);
      }
    }
    return left;
  };
  return worker_.run(kj::mv(task))
      .then(
          [this](kj::Vector<Left>&& left) {
            for (auto& each : left) owe(kj::mv(each));
          },
          [](kj::Exception&& exception) {
            support::log(support::Level::kWarn, "services were not restored; going on",
                         {{"reason", support::reasonOf(exception)}});
          });
}

void Restores::owe(Left left) {
  Key key{support::Id::random(), left.record.user.cStr(), left.record.name.cStr()};
  Change change;
  change.record = kj::mv(left.record);
  change.file = kj::mv(left.file);
  Change& added = changes_.emplace(key, kj::mv(change)).first->second;
  auto returning = tryUntilOver(key, 1, kj::mv(left.reason)).fork();
  tasks_.add(returning.addBranch());
  added.returning = kj::mv(returning);
}

Restores::Change* Restores::find(const Key& key) {
  auto found = changes_.find(key);
  return found == changes_.end() || found->second.over ? nullptr : &found->second;
}

kj::Promise<void> Restores::settled(const Target& target, kj::Duration limit) {
  kj::Vector<kj::Promise<void>> all;
  auto last = kj::str("its first try is under way");
  for (auto& [key, change] : changes_) {
    bool isSame = std::get<1>(key) == target.userName.cStr() &&
                  std::get<2>(key) == target.name.cStr() && !change.over;
    if (!isSame) continue;
    KJ_IF_MAYBE (returning, change.returning) {
      all.add(returning->addBranch());
      if (change.reason.size() > 0) last = kj::str(change.reason);
    }
  }
  if (all.empty()) return kj::READY_NOW;
  auto tooLong = timer_.afterDelay(limit).then([name = kj::str(target.name),
                                                last = kj::mv(last)]() {
    support::fail(Kind::TIMEOUT, "service ", name,
                  ": was not touched, because what an earlier session has changed of it is still "
                  "being undone: ",
                  last);
  });
  return kj::joinPromises(all.releaseAsArray()).exclusiveJoin(kj::mv(tooLong));
}

Restores::Change& Restores::changeOf(Session& session, const Target& target, const Key& key) {
  // Entries are destroyed here, because an entry of the undo list cannot destroy itself.
  std::erase_if(changes_, [](auto& each) { return each.second.over; });
  auto found = changes_.find(key);
  if (found != changes_.end()) return found->second;
  Change change;
  auto what = kj::str("service ", target.name, target.userName.size() == 0 ? "" : " of user ",
                      target.userName);
  change.entry =
      session.addUndo(EndPhase::kUndo, kj::mv(what), [this, key]() { return undo(key); });
  change.target = kj::atomicAddRef(target);
  change.record.name = kj::str(target.name);
  change.record.user = kj::str(target.userName);
  change.file = journal_->newName();
  return changes_.emplace(key, kj::mv(change)).first->second;
}

kj::Promise<ActResult> Restores::run(Session& session, kj::Own<const Target> target, Action action,
                                     Task task) {
  session.requireOpen();
  if (!changesState(action) && !changesEnabled(action)) return worker_.run(kj::mv(task));
  Key key{session.id(), target->userName.cStr(), target->name.cStr()};
  Change& change = changeOf(session, *target, key);
  auto done = kj::newPromiseAndFulfiller<void>();
  auto answer = kj::newPromiseAndFulfiller<ActResult>();
  auto before = kj::mv(change.last);
  change.last = kj::mv(done.promise);
  ++change.calls;
  auto finish = [this, key, fulfiller = kj::mv(done.fulfiller)]() mutable {
    auto changed = changes_.find(key);
    if (changed != changes_.end()) --changed->second.calls;
    fulfiller->fulfill();
  };
  auto work = before.then([this, key, action]() { return note(key, action); })
                  .then([this, task = kj::mv(task)]() mutable { return worker_.run(kj::mv(task)); })
                  .attach(kj::defer(kj::mv(finish)));
  auto& fulfiller = *answer.fulfiller;
  tasks_.add(
      work.then([&fulfiller](ActResult&& result) { fulfiller.fulfill(kj::mv(result)); },
                [&fulfiller](kj::Exception&& exception) { fulfiller.reject(kj::mv(exception)); })
          .attach(kj::mv(answer.fulfiller)));
  return kj::mv(answer.promise);
}

kj::Promise<void> Restores::note(const Key& key, Action action) {
  auto found = changes_.find(key);
  if (found == changes_.end() || found->second.over) {
    support::fail(Kind::EXPIRED, "the session ended before the service was changed");
  }
  Change& change = found->second;
  bool isKnown = changesState(action) ? change.record.state != State::UNSPECIFIED
                                      : change.record.enabled != nullptr;
  if (isKnown) return kj::READY_NOW;
  auto task = [target = kj::atomicAddRef(*change.target), record = change.record.clone(), action,
               journal = kj::atomicAddRef(*journal_), file = kj::str(change.file)]() mutable {
    auto known = look(*target, kj::mv(record), action);
    journal->write(file, known);
    return known;
  };
  return worker_.run(kj::mv(task))
      .then(
          [this, key](ChangeRecord&& known) {
            auto noted = changes_.find(key);
            if (noted != changes_.end()) noted->second.record = kj::mv(known);
          },
          [this, key](kj::Exception&& exception) {
            auto noted = changes_.find(key);
            bool isEmpty = noted != changes_.end() && noted->second.calls == 1 &&
                           noted->second.record.state == State::UNSPECIFIED &&
                           noted->second.record.enabled == nullptr;
            if (isEmpty) noted->second.over = true;
            kj::throwFatalException(kj::mv(exception));
          });
}

// The session drops the promise if it takes long, and what is owed must outlast that.
kj::Promise<Restores::Outcome> Restores::undo(const Key& key) {
  Change* change = find(key);
  if (change == nullptr) return Outcome();
  auto before = kj::mv(change->last);
  change->last = kj::READY_NOW;
  auto first = kj::newPromiseAndFulfiller<Outcome>();
  auto returning =
      before.then([this, key]() { return tryOnce(key); })
          .then([this, key, fulfiller = kj::mv(first.fulfiller)](Outcome&& outcome) mutable {
            KJ_IF_MAYBE (late, find(key)) late->isLate = !fulfiller->isWaiting();
            fulfiller->fulfill(told(outcome));
            return tryUntilOver(key, 1, kj::mv(outcome));
          })
          .fork();
  tasks_.add(returning.addBranch());
  change->returning = kj::mv(returning);
  return kj::mv(first.promise);
}

kj::Promise<Restores::Outcome> Restores::tryOnce(const Key& key) {
  Change* change = find(key);
  if (change == nullptr) return Outcome();
  auto task = [journal = kj::atomicAddRef(*journal_), file = kj::str(change->file),
               record = change->record.clone(), paths = paths_, limits = limits_.actions]() {
    return bringBackNoted(*journal, file, record, paths, limits);
  };
  return worker_.run(kj::mv(task)).catch_([](kj::Exception&& exception) -> Outcome {
    return support::toFailure(exception, "services.restore");
  });
}

kj::Promise<void> Restores::tryUntilOver(const Key& key, size_t tries, Outcome outcome) {
  Change* change = find(key);
  if (change == nullptr) return kj::READY_NOW;
  bool isOwed = false;
  KJ_IF_MAYBE (reason, outcome) {
    change->reason = kj::mv(reason->text);
    isOwed = isUnfinished(*reason) && tries < limits_.triesMax;
  } else {
    change->reason = nullptr;
  }
  if (!isOwed) {
    change->over = true;
    tellEnd(*change, tries);
    return kj::READY_NOW;
  }
  auto pause = limits_.pauseMin;
  for (size_t i = 1; i < tries && pause < limits_.pauseMax; ++i) pause = pause * 2;
  support::log(support::Level::kWarn, "a service is not as it was yet; trying again",
               {{"service", change->record.name}, {"tries", tries}, {"reason", change->reason}});
  return timer_.afterDelay(kj::min(pause, limits_.pauseMax))
      .then([this, key]() { return tryOnce(key); })
      .then([this, key, tries](Outcome&& next) {
        return tryUntilOver(key, tries + 1, kj::mv(next));
      });
}

// The session has told of the first try, unless that took too long for it.
void Restores::tellEnd(const Change& change, size_t tries) {
  if (tries == 1 && !change.isLate) return;
  if (change.reason.size() == 0) {
    support::log(support::Level::kInfo, "restored a service after its session had ended",
                 {{"service", change.record.name}, {"tries", tries}});
  } else {
    support::log(support::Level::kWarn, "a service was not restored; going on",
                 {{"service", change.record.name}, {"tries", tries}, {"reason", change.reason}});
  }
}

void Restores::taskFailed(kj::Exception&& exception) {
  // Every task hands its failure to its caller, so this is a bug.
  KJ_LOG(ERROR, "a service's failure had no receiver", exception);
}

}  // namespace nodeagent::service
