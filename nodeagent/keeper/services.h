// The one list of the services that an agent has. What a service is, is said in
// nodeagent/session/agent_service.h; what a role is granted of them, in service_set.h.
#pragma once

#include <kj/array.h>
#include <kj/memory.h>

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

// `host` outlives them. Throws what a service throws that cannot begin.
kj::Array<kj::Own<AgentService>> makeServices(ServiceHost& host);

}  // namespace nodeagent
