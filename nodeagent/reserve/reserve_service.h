// Reserves the node for one person or session: offers the capabilities of schema/reserve.capnp.
#pragma once

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

kj::Own<AgentService> makeReserve(ServiceHost& host);

}  // namespace nodeagent
