// Serves the files of the node, by offering the capabilities of schema/file.capnp. Their methods
// are in files_server.h and view_server.h.
#pragma once

#include <map>

#include "nodeagent/file/files_server.h"
#include "nodeagent/file/restore_journal.h"
#include "nodeagent/session/agent_service.h"
#include "schema/file.capnp.h"
#include "schema/support/base/id.h"

namespace nodeagent {

// Holds a session's uploads, and the means to bring back the files that it changed, until the
// session has ended, whatever becomes of its connections.
class FileService final : public AgentService {
 public:
  // Changes for a session are noted in "restores" below the state directory, if there is one.
  // Changes that a killed keeper left noted there are taken back now, on a worker thread.
  explicit FileService(ServiceHost& host);
  ~FileService() noexcept(false);

  kj::Array<Offer> offers() override;
  bool close(kj::Duration limit) override { return worker_->close(limit); }

  // Resolves when every change that a killed keeper left has been taken back, or logged where that
  // did not work.
  kj::Promise<void> recovered() { return recovering_.addBranch(); }

 private:
  wire::Files::Client filesOf(Session& session);

  AuditLog& audit_;
  kj::Own<Worker> worker_;
  kj::Own<const file::RestoreJournal> journal_;
  // By the id of the session.
  std::map<support::Id, file::SessionFiles> files_;
  kj::ForkedPromise<void> recovering_;
};

kj::Own<AgentService> makeFile(ServiceHost& host);

}  // namespace nodeagent
