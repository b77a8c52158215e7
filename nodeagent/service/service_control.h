// Gives the rest of the agent the capabilities of the service that controls the node's services.
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
  // The texts in `paths` outlive this, as does `audit`. If there is an `audit`, each action is
  // recorded in it before it is done.
  explicit ServicesRoom(const InitPaths& paths = {}, kj::Maybe<AuditLog&> audit = nullptr);
  KJ_DISALLOW_COPY(ServicesRoom);

  // This outlives both capabilities.
  wire::Services::Client servicesOf(Session& session);
  wire::ServiceView::Client view();

 private:
  friend class ServiceViewServer;
  friend class ServicesServer;

  // Actions beyond this number wait for a free thread.
  static constexpr size_t kActThreads = 8;
  static constexpr size_t kStatusThreads = 2;

  InitPaths paths_;
  kj::Maybe<AuditLog&> audit_;
  Worker actWorker_{kActThreads};
  Worker statusWorker_{kStatusThreads};
};

}  // namespace nodeagent
