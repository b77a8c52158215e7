// The capabilities of the services room: what the rest of the agent needs to know of it.
#pragma once

#include "nodeagent/os/worker.h"
#include "nodeagent/service/manager.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"
#include "schema/service.capnp.h"

namespace nodeagent {

// Asks the node's service manager. It waits on threads of its own, because an action may take
// minutes and must keep nobody else waiting.
class ServicesRoom {
 public:
  // What `paths` points to outlives this, as does `audit`, in which each action is recorded before
  // it is done, if there is one.
  explicit ServicesRoom(const InitPaths& paths = {}, kj::Maybe<AuditLog&> audit = nullptr);
  KJ_DISALLOW_COPY(ServicesRoom);

  // This outlives both capabilities.
  wire::Services::Client servicesOf(Session& session);
  wire::ServiceView::Client view();

 private:
  friend class ServiceViewServer;
  friend class ServicesServer;

  static constexpr size_t kActThreads = 8;  // Actions beyond wait for their turn.
  static constexpr size_t kStatusThreads = 2;

  InitPaths paths_;
  kj::Maybe<AuditLog&> audit_;
  Worker actWorker_{kActThreads};
  Worker statusWorker_{kStatusThreads};
};

}  // namespace nodeagent
