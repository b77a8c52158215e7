// Takes the calls of schema/service.capnp for one session.
#pragma once

#include <kj/timer.h>

#include "nodeagent/os/users.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/service/restores.h"
#include "nodeagent/service/target.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/deaths.h"
#include "nodeagent/session/session.h"
#include "schema/service.capnp.h"

namespace nodeagent::service {

// What the servers of all sessions use. Outlives them.
struct Control {
  static constexpr size_t kWaitsMax = 64;

  kj::Timer& timer;
  AuditLog& audit;
  InitPaths paths;
  Worker& actWorker;
  Worker& statusWorker;
  Restores& restores;
  UserDatabase users;
  Deaths& deaths;
  // Counts the calls of awaitActive that are under way.
  size_t waits = 0;
};

class ServiceViewServer : public virtual wire::ServiceView::Server {
 public:
  explicit ServiceViewServer(Control& control) : control_(control) {}

  kj::Promise<void> status(StatusContext context) override;
  kj::Promise<void> awaitActive(AwaitActiveContext context) override;

 protected:
  // Fails with kind invalid or notFound for a wrong name or user.
  kj::Promise<kj::Own<const Target>> find(kj::String name, kj::String user);
  kj::Promise<Status> look(const Target& target, Manager::Log log);

  Control& control_;

 private:
  kj::Promise<void> answerActive(AwaitActiveContext context, kj::Own<const Target> target,
                                 kj::TimePoint end);
  // Looks again and again, until the service runs or has failed, or `end` is over.
  kj::Promise<Status> lookUntil(kj::Own<const Target> target, kj::TimePoint end);
};

class ServicesServer final : public wire::Services::Server, public ServiceViewServer {
 public:
  ServicesServer(Control& control, kj::Own<Session> session)
      : ServiceViewServer(control), session_(kj::mv(session)) {}

  kj::Promise<void> act(ActContext context) override;

 private:
  kj::Promise<ActResult> perform(wire::Services::ActParams::Reader params,
                                 kj::Own<const Target> target);
  kj::Promise<void> answerAct(ActContext context, kj::Own<const Target> target, ActResult result);

  kj::Own<Session> session_;
};

}  // namespace nodeagent::service
