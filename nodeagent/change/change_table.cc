#include "nodeagent/change/change_table.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include <kj/debug.h>

#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::change {
namespace {

using Kind = wire::Error::Kind;
using State = wire::ChangeStatus::State;

kj::String journalDirectory(kj::StringPtr stateDirectory) {
  return stateDirectory.size() == 0 ? kj::String() : kj::str(stateDirectory, "/changes");
}

kj::String shortName(const support::Id& id) {
  return kj::str(id.text().substr(0, 8).c_str());
}

ChangeJournal::Outlives durabilityOf(const ChangeKind& kind) {
  return kind.outlivesBoot() ? ChangeJournal::Outlives::kPowerCut : ChangeJournal::Outlives::kAgent;
}

}  // namespace

struct ChangeTable::Tools final : public kj::AtomicRefcounted {
  Tools(Surroundings around, kj::String directory)
      : node(kj::mv(around)), journal(kj::mv(directory)) {}

  // Makes the change and returns its record with what became known.
  ChangeRecord make(const ChangeKind& kind, ChangeRecord record) {
    if (!node.isRoot) {
      support::fail(Kind::DENIED, "a change of the node needs root, and the agent is not root");
    }
    auto lock = lockFor(kind);
    // Calls may get here in another order than they were sent in. This one is that of the values
    // that prepare() finds.
    record.order = takeOrder();
    kind.prepare(node, record.id, record.values);
    // The record is written first: a keeper that is killed here leaves nothing behind.
    journal.write(record, durabilityOf(kind));
    KJ_IF_MAYBE (exception,
                 kj::runCatchingExceptions([&]() { kind.make(node, record.id, record.values); })) {
      giveUp(kind, record);
      kj::throwFatalException(kj::mv(*exception));
    }
    return record;
  }

  // Takes the change back, and forgets it only then.
  void undo(const support::Id& id) {
    KJ_IF_MAYBE (record, journal.find(id)) {
      KJ_IF_MAYBE (kind, kinds.named(record->kind)) {
        auto lock = lockFor(*kind);
        if (!isCoveredByANewer(*kind, *record)) kind->undo(node, id, record->values);
      } else {
        support::fail(Kind::UNSUPPORTED, "this agent does not know a change of kind ",
                      record->kind);
      }
      journal.drop(id);
    }
  }

  uint64_t takeOrder() { return nextOrder_.fetch_add(1); }

  // A change of a killed keeper that could not be taken back.
  struct Remaining {
    ChangeRecord record;
    kj::String reason;
  };

  // Takes back what a killed keeper has left, the newest first, and returns what stayed.
  kj::Vector<Remaining> recoverAll(kj::StringPtr bootId) {
    kj::Vector<Remaining> remaining;
    journal.load();
    for (auto& record : journal.all()) {
      // What cannot be taken back is older than what comes.
      nextOrder_ = std::max<uint64_t>(nextOrder_, record.order + 1);
      auto failure = kj::runCatchingExceptions([&]() {
        bool isOver = false;
        KJ_IF_MAYBE (kind, kinds.named(record.kind)) {
          isOver = record.bootId != bootId && !kind->outlivesBoot();
        }
        if (isOver) {
          journal.drop(record.id);
          return;
        }
        undo(record.id);
        support::log(support::Level::kInfo, "took back a change of a killed keeper",
                     {{"change", record.id.text()}, {"effect", record.text}});
      });
      KJ_IF_MAYBE (exception, failure) {
        support::log(support::Level::kWarn, "a killed keeper's change was not taken back; going on",
                     {{"change", record.id.text()},
                      {"effect", record.text},
                      {"reason", support::reasonOf(*exception)}});
        remaining.add(Remaining{record.clone(), support::reasonOf(*exception)});
      }
    }
    return remaining;
  }

  const Surroundings node;
  const ChangeKinds kinds;
  ChangeJournal journal;

 private:
  // Changes must not overlap, since the worker has two threads: what one has looked at, another
  // would change before it acts, and a change that fails would take back the other's.
  std::unique_lock<std::mutex> lockFor(const ChangeKind& kind) {
    return std::unique_lock<std::mutex>(kind.isSlow() ? slow_ : quick_);
  }

  // A newer change of the same resource, which is to stay, gets what this one would bring back.
  bool isCoveredByANewer(const ChangeKind& kind, const ChangeRecord& record) {
    kj::String resource = kind.resource(record.values);
    if (resource.size() == 0) return false;
    kj::Maybe<ChangeRecord> next;
    for (auto& other : journal.all()) {
      bool isNewer = other.kind == record.kind && other.order > record.order &&
                     kind.resource(other.values) == resource;
      if (isNewer) next = kj::mv(other);
    }
    KJ_IF_MAYBE (newer, next) {
      newer->values.set("before", record.values.get("before"));
      journal.write(*newer, durabilityOf(kind));
      return true;
    }
    return false;
  }

  void giveUp(const ChangeKind& kind, const ChangeRecord& record) {
    auto failure = kj::runCatchingExceptions([&]() {
      if (!kind.isAtomic()) kind.undo(node, record.id, record.values);
      journal.drop(record.id);
    });
    KJ_IF_MAYBE (exception, failure) {
      support::log(support::Level::kWarn, "a change that failed was not taken back",
                   {{"change", record.id.text()},
                    {"effect", record.text},
                    {"reason", support::reasonOf(*exception)}});
    }
  }

  std::mutex quick_;
  std::mutex slow_;
  std::atomic<uint64_t> nextOrder_ = 1;
};

struct ChangeTable::Change final : public kj::Refcounted {
  ChangeRecord record;

  // Null for one that a killed keeper has left.
  kj::Maybe<kj::Own<Session>> session;
  kj::Own<Session::Entry> entry;
  // Those that the change gives to the session's commands.
  kj::Own<Variables::Entry> variables;
  State state = State::MAKING;
  kj::String reason;
  bool isGone = false;
  kj::ForkedPromise<void> beginning = kj::Promise<void>(kj::READY_NOW).fork();
  kj::Maybe<kj::ForkedPromise<void>> undoing;

  ChangeReport report() const { return {record.clone(), state, kj::str(reason)}; }
};

ChangeTable::ChangeTable(ServiceHost& host, Surroundings node)
    : host_(host),
      tools_(kj::atomicRefcounted<Tools>(kj::mv(node), journalDirectory(host.stateDirectory))),
      worker_(host.platform.makeWorker(2)),
      recovering_(recoverAll().fork()),
      undoing_(*this) {}

ChangeTable::~ChangeTable() noexcept(false) = default;

const ChangeKinds& ChangeTable::kinds() const {
  return tools_->kinds;
}

kj::Promise<void> ChangeTable::recoverAll() {
  // The first task starts a thread, which a node without changes does without.
  if (!tools_->journal.exists()) return kj::READY_NOW;
  auto task = [tools = kj::atomicAddRef(*tools_), bootId = kj::str(host_.bootId)]() mutable {
    return tools->recoverAll(bootId);
  };
  return worker_->run(kj::mv(task)).then([this](kj::Vector<Tools::Remaining>&& remaining) {
    for (auto& each : remaining) {
      auto change = kj::refcounted<Change>();
      auto id = each.record.id;
      change->record = kj::mv(each.record);
      change->state = State::FAILED;
      change->reason = kj::mv(each.reason);
      changes_.emplace(id, kj::mv(change));
    }
  });
}

ChangeTable::Change& ChangeTable::newChange(Session& session, support::Id id,
                                            const ChangeKind& kind, Values values) {
  if (changes_.size() >= kChangesMax) {
    support::fail(Kind::OVERLOADED, "the node has ", kChangesMax, " changes already");
  }
  auto change = kj::refcounted<Change>();
  ChangeRecord& record = change->record;
  record.id = id;
  record.kind = kj::str(kind.name());
  record.owner = kj::str(session.identity());
  record.bootId = kj::str(host_.bootId);
  record.text = kind.text(values);
  record.order = tools_->takeOrder();
  record.sinceRealtimeNs = host_.platform.clock().realtimeNs();
  record.values = kj::mv(values);
  change->session = session.addRef();
  change->entry =
      session.addUndo(EndPhase::kUndo, kj::str("change ", shortName(id), " (", record.text, ")"),
                      [this, id]() { return undoAtEnd(id); });
  Change& added = *change;
  changes_.emplace(id, kj::mv(change));
  return added;
}

kj::Promise<void> ChangeTable::begin(Change& change, Session& session, const ChangeKind& kind) {
  auto task = [tools = kj::atomicAddRef(*tools_), &kind, record = change.record.clone()]() mutable {
    return tools->make(kind, kj::mv(record));
  };
  auto line = host_.audit.line(session, "changes.make",
                               {{"change", change.record.id.text()},
                                {"kind", change.record.kind},
                                {"effect", change.record.text}});
  return worker_->run(audited(kj::mv(line), kj::mv(task)))
      .then(
          [&change, &kind,
           variables = kj::addRef(session.variables())](ChangeRecord&& made) mutable {
            change.record = kj::mv(made);
            auto ofCommands = kind.variables(change.record.values);
            if (ofCommands.size() > 0) change.variables = variables->add(kj::mv(ofCommands));
            change.state = State::MADE;
          },
          [this, &change](kj::Exception&& exception) {
            fail(change, exception);
            kj::throwFatalException(kj::mv(exception));
          });
}

void ChangeTable::forget(Change& change) {
  change.isGone = true;
  KJ_IF_MAYBE (session, change.session) {
    // The entry of a list that is being walked is not taken out of it.
    if (!(*session)->ending()) change.entry = nullptr;
  }
}

// What has a record still could not be taken back, and is tried again by undo and at the end.
void ChangeTable::fail(Change& change, const kj::Exception& exception) {
  if (tools_->journal.find(change.record.id) == nullptr) return forget(change);
  change.state = State::FAILED;
  change.reason = support::reasonOf(exception);
}

kj::Promise<ChangeReport> ChangeTable::make(Session& session, support::Id id,
                                            const ChangeKind& kind, Values values) {
  session.requireOpen();
  return recovering_.addBranch().then(
      [this, session = session.addRef(), id, &kind, values = kj::mv(values)]() mutable {
        session->requireOpen();
        std::erase_if(changes_, [](auto& each) { return each.second->isGone; });
        auto found = changes_.find(id);
        if (found == changes_.end()) {
          Change& change = newChange(*session, id, kind, kj::mv(values));
          KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() {
                         change.beginning = begin(change, *session, kind).fork();
                       })) {
            forget(change);
            kj::throwFatalException(kj::mv(*exception));
          }
        } else if (found->second->record.owner != session->identity()) {
          support::fail(Kind::CONFLICT, "change ", shortName(id), ": it is another identity's");
        }
        auto change = kj::addRef(*changes_.at(id));
        auto begun = change->beginning.addBranch();
        return begun.then([change = kj::mv(change)]() { return change->report(); });
      });
}

kj::Promise<void> ChangeTable::startUndoing(Change& change, AuditLog::Line line) {
  if (change.isGone) return kj::READY_NOW;
  if (change.state == State::UNDOING) return KJ_ASSERT_NONNULL(change.undoing).addBranch();
  change.state = State::UNDOING;
  change.variables = nullptr;
  auto task = [tools = kj::atomicAddRef(*tools_), id = change.record.id]() mutable {
    tools->undo(id);
  };
  auto undoing = worker_->run(audited(kj::mv(line), kj::mv(task)))
                     .then([this, &change]() { forget(change); },
                           [&change](kj::Exception&& exception) {
                             change.state = State::FAILED;
                             change.reason = support::reasonOf(exception);
                             kj::throwFatalException(kj::mv(exception));
                           })
                     .fork();
  auto branch = undoing.addBranch();
  change.undoing = kj::mv(undoing);
  return branch;
}

kj::Promise<bool> ChangeTable::undo(Session& session, support::Id id) {
  return recovering_.addBranch().then(
      [this, session = session.addRef(), id]() mutable -> kj::Promise<bool> {
        auto found = changes_.find(id);
        if (found == changes_.end() || found->second->isGone) return false;
        auto change = kj::addRef(*found->second);
        if (change->record.owner != session->identity() && session->role() < wire::Role::ADMIN) {
          support::fail(Kind::DENIED, "change ", shortName(id), ": ", change->record.owner,
                        " made it, and only an admin may take it back for others");
        }
        auto line = host_.audit.line(*session, "changes.undo", {{"change", id.text()}});
        auto begun = change->beginning.addBranch();
        return begun
            .catch_([](kj::Exception&&) {
              // Whoever made it is told why that failed; here only its end counts.
            })
            .then([this, change = kj::addRef(*change), line = kj::mv(line)]() mutable {
              return startUndoing(*change, kj::mv(line));
            })
            .then([]() { return true; })
            .attach(kj::mv(change));
      });
}

kj::Promise<kj::Maybe<support::Failure>> ChangeTable::undoAtEnd(support::Id id) {
  auto found = changes_.find(id);
  if (found == changes_.end()) return kj::Maybe<support::Failure>();
  auto change = kj::addRef(*found->second);
  auto begun = change->beginning.addBranch();
  auto undoing = begun
                     .catch_([](kj::Exception&&) {
                       // Nothing is left of it, or its record says what.
                     })
                     .then([this, change = kj::mv(change)]() mutable {
                       return startUndoing(*change, []() {});
                     })
                     .fork();
  // The list gives up on an entry that takes long. A change that is still being made then has to be
  // taken back all the same.
  undoing_.add(undoing.addBranch().catch_([](kj::Exception&&) {
    // Its state says that it failed, and why.
  }));
  return undoing.addBranch().then([]() { return kj::Maybe<support::Failure>(); });
}

void ChangeTable::taskFailed(kj::Exception&&) {
  // No task ends with an exception.
}

kj::Promise<kj::Vector<ChangeReport>> ChangeTable::list() {
  return recovering_.addBranch().then([this]() {
    kj::Vector<ChangeReport> reports;
    for (auto& [id, change] : changes_) {
      if (!change->isGone) reports.add(change->report());
    }
    std::sort(reports.begin(), reports.end(), [](const ChangeReport& a, const ChangeReport& b) {
      return a.record.order < b.record.order;
    });
    return reports;
  });
}

}  // namespace nodeagent::change
