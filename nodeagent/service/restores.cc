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
kj::Maybe<support::Failure> bringBackRecorded(const ChangeRecord& record, const InitPaths& paths) {
  kj::Maybe<support::Failure> failure;
  auto thrown = kj::runCatchingExceptions([&]() {
    kj::Maybe<User> user;
    if (record.user.size() > 0) {
      user = UserDatabase().find(record.user);
      if (user == nullptr) support::fail(Kind::NOT_FOUND, "user ", record.user, ": is gone");
    }
    auto target = makeTarget(kj::str(record.name), kj::str(record.user), kj::mv(user), paths);
    failure = bringBack(*target->manager(), record);
  });
  KJ_IF_MAYBE (exception, thrown) return support::toFailure(*exception, "services.recover");
  return failure;
}

void recover(const ChangeJournal& journal, kj::StringPtr name, const InitPaths& paths) {
  // A record that fails would fail again and again.
  KJ_DEFER(journal.drop(name));
  auto read = journal.read(name);
  KJ_IF_MAYBE (record, read) {
    auto failure = bringBackRecorded(*record, paths);
    KJ_IF_MAYBE (reason, failure) {
      support::log(support::Level::kWarn, "a killed keeper's service was not restored; going on",
                   {{"service", record->name}, {"reason", reason->text}});
    } else {
      support::log(support::Level::kInfo, "restored a service of a killed keeper",
                   {{"service", record->name}});
    }
  } else {
    support::log(support::Level::kWarn, "removing a damaged record of a service; going on",
                 {{"record", name}});
  }
}

}  // namespace

Restores::Restores(Worker& worker, const InitPaths& paths, kj::StringPtr stateDirectory)
    : worker_(worker),
      paths_(paths),
      journal_(kj::atomicRefcounted<ChangeJournal>(
          stateDirectory.size() == 0 ? kj::String() : kj::str(stateDirectory, "/services"))),
      recovering_(kj::Promise<void>(kj::READY_NOW).fork()),
      tasks_(*this) {
  // The names are read here, before a session of this keeper can add to them. Without any, no
  // thread is started.
  auto names = journal_->names();
  if (names.size() == 0) return;
  auto task = [journal = kj::atomicAddRef(*journal_), names = kj::mv(names), paths]() {
    for (auto& name : names) recover(*journal, name, paths);
  };
  recovering_ = worker_.run(kj::mv(task))
                    .catch_([](kj::Exception&& exception) {
                      support::log(support::Level::kWarn, "services were not restored; going on",
                                   {{"reason", support::reasonOf(exception)}});
                    })
                    .fork();
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

kj::Promise<kj::Maybe<support::Failure>> Restores::undo(const Key& key) {
  auto found = changes_.find(key);
  if (found == changes_.end() || found->second.over) return kj::Maybe<support::Failure>();
  auto before = kj::mv(found->second.last);
  found->second.last = kj::READY_NOW;
  return before
      .then([this, key]() -> kj::Promise<kj::Maybe<support::Failure>> {
        auto changed = changes_.find(key);
        if (changed == changes_.end() || changed->second.over) {
          return kj::Maybe<support::Failure>();
        }
        Change& change = changed->second;
        auto task = [target = kj::atomicAddRef(*change.target), record = kj::mv(change.record),
                     journal = kj::atomicAddRef(*journal_), file = kj::str(change.file)]() {
          KJ_DEFER(journal->drop(file));
          return bringBack(*target->manager(), record);
        };
        return worker_.run(kj::mv(task));
      })
      .attach(kj::defer([this, key]() {
        auto changed = changes_.find(key);
        if (changed != changes_.end()) changed->second.over = true;
      }));
}

void Restores::taskFailed(kj::Exception&& exception) {
  // Every task hands its failure to its caller, so this is a bug.
  KJ_LOG(ERROR, "a service's failure had no receiver", exception);
}

}  // namespace nodeagent::service
