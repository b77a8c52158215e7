// The capabilities of the files room: what the rest of the agent needs to know of it.
#pragma once

#include <map>

#include "nodeagent/file/restore_journal.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"
#include "schema/file.capnp.h"
#include "schema/support/base/id.h"

namespace nodeagent {

enum class ViewAs {
  kKeeper,  // Sees what the keeper sees, that is everything.
  kAnyUser  // Sees what any user of the node may see ("nobody"), where the keeper is root. For
            // observers.
};

// `worker` outlives the capability.
wire::FileView::Client makeFileView(Worker& worker, ViewAs viewAs);

class FilesServer;

// Hands out the files capability of each session. A session's uploads, and what brings back the
// files that it changed, live here until it has ended, whatever becomes of its connections.
class FilesRoom {
 public:
  // `worker` outlives this; this outlives the sessions' ends. What changes for the session is noted
  // in "restores" below `stateDirectory` too, which exists; what a keeper that was killed left
  // there is put back now, on a worker thread. Empty: nothing is noted there.
  // Each change is recorded in `audit`, if there is one, before it is made; it outlives this.
  explicit FilesRoom(Worker& worker, kj::StringPtr stateDirectory = "",
                     kj::Maybe<AuditLog&> audit = nullptr);
  ~FilesRoom() noexcept(false);
  KJ_DISALLOW_COPY(FilesRoom);

  // Resolves when what a killed keeper left has been put back, or logged where that did not work.
  kj::Promise<void> recovered() { return recovering_.addBranch(); }

  // The same one for every connection of the session.
  wire::Files::Client filesOf(Session& session);

 private:
  struct Record {
    wire::Files::Client client;
    FilesServer& server;  // Behind `client`.
  };

  Worker& worker_;
  kj::Maybe<AuditLog&> audit_;
  kj::Own<const file::RestoreJournal> journal_;
  std::map<support::Id, Record> records_;
  kj::ForkedPromise<void> recovering_;
};

}  // namespace nodeagent
