// Takes the calls of schema/wait.capnp for one session.
#pragma once

#include <string_view>

#include <kj/timer.h>

#include "nodeagent/os/worker.h"
#include "nodeagent/session/audit_log.h"
#include "nodeagent/session/session.h"
#include "nodeagent/wait/condition.h"
#include "schema/wait.capnp.h"

namespace nodeagent::wait {

// What the servers of all sessions use. Outlives them.
struct Looking {
  static constexpr size_t kWaitsMax = 64;

  kj::Timer& timer;
  AuditLog& audit;
  Worker& worker;
  // Counts the waits that are under way.
  size_t waits = 0;
};

class WaitsServer final : public wire::Waits::Server {
 public:
  WaitsServer(Looking& looking, kj::Own<Session> session)
      : looking_(looking), session_(kj::mv(session)) {}

  kj::Promise<void> await(AwaitContext context) override;
  kj::Promise<void> get(GetContext context) override;

 private:
  // Looks until the condition holds or `end` is over. `line` is written before the first look.
  kj::Promise<Seen> lookUntil(kj::Own<const Condition> condition, kj::TimePoint end,
                              kj::Maybe<AuditLog::Line> line = nullptr);

  // Composes the audit line of calls that send GETs, which a server may take for more than
  // questions.
  AuditLog::Line lineOf(std::string_view operation, const Url& url);

  Looking& looking_;
  kj::Own<Session> session_;
};

}  // namespace nodeagent::wait
