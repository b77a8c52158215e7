// Kills processes for callers, once for each id, so that a call that is sent again does not kill
// what has been started since.
//
// They are stopped before they are killed. Meanwhile they are a paused fault in the journal, so
// that the successor of a killed keeper lets those go on that live.
#pragma once

#include <list>

#include <kj/async.h>
#include <kj/vector.h>

#include "nodeagent/netfault/fault_journal.h"
#include "nodeagent/netfault/processes.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/agent_service.h"
#include "nodeagent/session/session.h"
#include "schema/support/base/id.h"

namespace nodeagent::netfault {

// Belongs to the loop's thread.
class KillTable final {
 public:
  // Bounds the ids that are known; the oldest is forgotten.
  static constexpr size_t kKillsMax = 256;

  // `host` outlives it.
  explicit KillTable(ServiceHost& host);
  ~KillTable() noexcept(false);

  // Resolves when the processes have ended, to those that were killed. Fails as killProcesses and
  // FaultJournal::write do, and with kind conflict if the id is another identity's. The faults of a
  // killed keeper must have been recovered.
  kj::Promise<kj::Vector<ProcessRef>> kill(Session& session, support::Id id, ProcessChoice choice);

  bool close(kj::Duration limit) { return worker_->close(limit); }

 private:
  struct Kill;

  ServiceHost& host_;
  kj::Own<const FaultJournal> journal_;
  kj::Own<Worker> worker_;
  // In the order in which they began.
  std::list<kj::Own<Kill>> kills_;
};

}  // namespace nodeagent::netfault
