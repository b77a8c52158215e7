// Lists the services of an agent. It does not define what a service is
// (nodeagent/session/agent_service.h does), nor what a role is granted (service_set.h).
#pragma once

#include <kj/array.h>
#include <kj/memory.h>

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

// Makes all services. `host` outlives them. Throws if one of them cannot begin.
kj::Array<kj::Own<AgentService>> makeServices(ServiceHost& host);

}  // namespace nodeagent
