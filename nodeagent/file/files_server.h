// Serves the methods of the file service that write, and holds the uploads of one session. The
// methods that only read are in view_server.h.
#pragma once

#include <memory>

#include "nodeagent/file/restore_journal.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"
#include "schema/file.capnp.h"

namespace nodeagent::file {

struct SessionFiles {
  wire::Files::Client client;
  // True once the session has ended and everything that belongs to it has been undone. Until then
  // the capability must stay.
  std::shared_ptr<const bool> over;
};

// Serves the files of one session. `worker` and `audit` outlive it. It holds a reference to the
// session.
SessionFiles makeFiles(Session& session, Worker& worker, kj::Own<const RestoreJournal> journal,
                       AuditLog& audit);

}  // namespace nodeagent::file
