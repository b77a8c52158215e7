#include "nodeagent/file/session_changes.h"

#include <kj/debug.h>

namespace nodeagent::file {

SessionChanges::SessionChanges(kj::Own<Session> session, Worker& worker,
                               kj::Own<const file::RestoreJournal> journal)
    : session_(kj::mv(session)), worker_(worker), journal_(kj::mv(journal)), tasks_(*this) {}

SessionChanges::Prepared SessionChanges::keep(kj::Vector<file::Restore> restores, kj::String name,
                                              const file::RestoreJournal& journal) {
  if (!restores.empty()) {
    // The journal is written before anything is touched: a keeper that is killed here leaves
    // nothing behind.
    journal.write(name, restores);
    KJ_ON_SCOPE_FAILURE({
      for (auto& restore : restores) restore.discard();
      journal.drop(name);
    });
    for (auto& restore : restores) restore.hold();
  }
  return {kj::mv(restores), kj::mv(name)};
}

kj::Promise<uint64_t> SessionChanges::note(kj::String what, Prepared prepared) {
  if (prepared.restores.empty()) return uint64_t(0);
  uint64_t id = nextId_++;
  Change change;
  kj::Maybe<kj::Exception> refused = kj::runCatchingExceptions([&]() {
    change.entry =
        session_->addUndo(EndPhase::kUndo, kj::mv(what), [this, id]() { return undo(id); });
  });
  KJ_IF_MAYBE (exception, refused) {
    // The session began to end while the change was prepared, so the change must not be made.
    return discard(kj::mv(prepared))
        .then([exception = kj::mv(*exception)]() mutable -> kj::Promise<uint64_t> {
          return kj::mv(exception);
        });
  }
  change.prepared = kj::mv(prepared);
  changes_.emplace(id, kj::mv(change));
  return id;
}

kj::Promise<void> SessionChanges::discard(Prepared prepared) {
  return worker_.run(
      [prepared = kj::mv(prepared), journal = kj::atomicAddRef(*journal_)]() mutable {
        for (auto& restore : prepared.restores) restore.discard();
        journal->drop(prepared.name);
      });
}

kj::Promise<kj::Maybe<support::Failure>> SessionChanges::undo(uint64_t id) {
  // Changes that are still being made, whose callers may be gone, end first. A restore before them
  // would be overwritten.
  return idle().then([this, id]() -> kj::Promise<kj::Maybe<support::Failure>> {
    auto found = changes_.find(id);
    if (found == changes_.end()) return kj::Maybe<support::Failure>();
    return worker_.run([prepared = kj::mv(found->second.prepared),
                        journal = kj::atomicAddRef(*journal_)]() mutable {
      kj::Maybe<support::Failure> first;
      for (auto& restore : prepared.restores) {
        KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { restore.apply(); })) {
          if (first == nullptr) first = support::toFailure(*exception, "files.restore");
        }
      }
      journal->drop(prepared.name);
      return first;
    });
  });
}

void SessionChanges::taskFailed(kj::Exception&& exception) {
  // Every task hands its failure to its caller, so this is a bug.
  KJ_LOG(ERROR, "a change's failure had no receiver", exception);
}

}  // namespace nodeagent::file
