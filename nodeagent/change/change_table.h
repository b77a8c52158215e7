// All changes of this node, each a state machine: making, made, undoing, and gone. One that cannot
// be taken back is failed, and is tried again at the end of its session and by the next keeper.
//
// A change belongs to a session, whose undo list takes it back. The table knows nothing of messages
// (changes_server.h) and of the kinds (change_kind.h).
#pragma once

#include <map>

#include <kj/async.h>
#include <kj/vector.h>

#include "nodeagent/change/change_journal.h"
#include "nodeagent/change/change_kind.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/agent_service.h"
#include "nodeagent/session/session.h"

namespace nodeagent::change {

// What is known of a change, for callers.
struct ChangeReport {
  ChangeRecord record;
  wire::ChangeStatus::State state = wire::ChangeStatus::State::UNSPECIFIED;
  kj::String reason;
};

// Belongs to the loop's thread, and outlives the sessions.
class ChangeTable final : private kj::TaskSet::ErrorHandler {
 public:
  static constexpr size_t kChangesMax = 256;

  // The changes of a killed keeper are found below the state directory, in "changes", and are taken
  // back on a worker thread. `host` outlives this.
  ChangeTable(ServiceHost& host, Surroundings node);
  ~ChangeTable() noexcept(false);

  // Resolves once that is done. Every other call waits for it.
  kj::Promise<void> recovered() { return recovering_.addBranch(); }

  // Makes a change, or finds it again by its id. `values` are what `kind` has read. After a failure
  // nothing is left of it, or it is listed as failed.
  kj::Promise<ChangeReport> make(Session& session, support::Id id, const ChangeKind& kind,
                                 Values values);

  // Takes a change back. Resolves to false if there is none.
  kj::Promise<bool> undo(Session& session, support::Id id);

  // Returns all changes, the oldest first.
  kj::Promise<kj::Vector<ChangeReport>> list();

  const ChangeKinds& kinds() const;

  bool close(kj::Duration limit) { return worker_->close(limit); }

 private:
  struct Change;

  // What the threads use, which outlives this.
  struct Tools;

  kj::Promise<void> recoverAll();
  Change& newChange(Session& session, support::Id id, const ChangeKind& kind, Values values);
  kj::Promise<void> begin(Change& change, Session& session, const ChangeKind& kind);
  kj::Promise<void> startUndoing(Change& change, AuditLog::Line line);
  kj::Promise<kj::Maybe<support::Failure>> undoAtEnd(support::Id id);
  void forget(Change& change);
  void fail(Change& change, const kj::Exception& exception);
  void taskFailed(kj::Exception&& exception) override;

  ServiceHost& host_;
  kj::Own<Tools> tools_;
  kj::Own<Worker> worker_;
  std::map<support::Id, kj::Own<Change>> changes_;
  kj::ForkedPromise<void> recovering_;

  // Comes last, because its tasks use the rest.
  kj::TaskSet undoing_;
};

}  // namespace nodeagent::change
