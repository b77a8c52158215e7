// The services of one keeper together: what a role is granted of them, and their common end. What
// each of them does is its own business.
#pragma once

#include <kj/array.h>
#include <kj/memory.h>
#include <kj/time.h>
#include <kj/vector.h>

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

class ServiceSet final {
 public:
  // Throws if two of the services offer the same interface.
  explicit ServiceSet(kj::Array<kj::Own<AgentService>> services);
  KJ_DISALLOW_COPY(ServiceSet);

  // Fills in what `role` may hold, each capability made for `session`. The one place where that is
  // decided.
  void grant(Session& session, wire::Role role, wire::Grants::Builder grants);

  // Fills in the limits of all services.
  void writeLimits(wire::Limits::Builder limits);

  // Adds what each service contributes.
  void count(AgentNumbers& numbers);

  // For the end of the process: lets the services' threads finish, for `limit` at most. False: one
  // is stuck, and destroying this would wait for it.
  bool close(kj::Duration limit);

 private:
  kj::Array<kj::Own<AgentService>> services_;
  kj::Vector<AgentService::Offer> offers_;
};

}  // namespace nodeagent
