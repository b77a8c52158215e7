// Holds the services of one keeper, grants a role its share of them, and ends them together. It
// does not know what a service does.
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

  // Fills in the capabilities that `role` may hold, each made for `session`. No other place decides
  // that.
  void grant(Session& session, wire::Role role, wire::Grants::Builder grants);

  // Writes each service's limits into the answer to `hello`.
  void writeLimits(wire::Limits::Builder limits);

  // Adds the numbers of each service.
  void count(AgentNumbers& numbers);

  // Waits for the services' threads at the end of the process, for `limit` at most. Returns false
  // if one is stuck; the destructor would wait for it.
  bool close(kj::Duration limit);

 private:
  kj::Array<kj::Own<AgentService>> services_;
  kj::Vector<AgentService::Offer> offers_;
};

}  // namespace nodeagent
