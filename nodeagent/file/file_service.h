// Gives the rest of the agent the capabilities of the file service. Their methods are in
// file_server.h and view_server.h.
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
  // Sees everything, as the keeper does.
  kKeeper,
  // Sees as much as any user of the node ("nobody"), where the keeper is root. For observers.
  kAnyUser
};

// Makes the capability that only reads. `worker` outlives it.
wire::FileView::Client makeFileView(Worker& worker, ViewAs viewAs);

class FilesServer;

// Hands out the files capability of each session. It holds a session's uploads, and the means to
// bring back the files that it changed, until the session has ended, whatever becomes of its
// connections.
class FilesRoom {
 public:
  // `worker` and `audit` outlive this; this outlives the sessions' ends. Changes for the session
  // are noted in "restores" below `stateDirectory`, which exists. Changes that a killed keeper left
  // noted there are taken back now, on a worker thread. With an empty `stateDirectory` nothing is
  // noted. Each change is recorded in `audit`, if there is one, before it is made.
  explicit FilesRoom(Worker& worker, kj::StringPtr stateDirectory = "",
                     kj::Maybe<AuditLog&> audit = nullptr);
  ~FilesRoom() noexcept(false);
  KJ_DISALLOW_COPY(FilesRoom);

  // Resolves when every change that a killed keeper left has been taken back, or logged where that
  // did not work.
  kj::Promise<void> recovered() { return recovering_.addBranch(); }

  // Returns the session's capability, the same one for all of its connections.
  wire::Files::Client filesOf(Session& session);

 private:
  struct Record {
    wire::Files::Client client;
    // The server behind `client`.
    FilesServer& server;
  };

  Worker& worker_;
  kj::Maybe<AuditLog&> audit_;
  kj::Own<const file::RestoreJournal> journal_;
  std::map<support::Id, Record> records_;
  kj::ForkedPromise<void> recovering_;
};

}  // namespace nodeagent
