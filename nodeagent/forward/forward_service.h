// Carries byte streams between sockets of the node and a controller: offers the capability of
// schema/forward.capnp.
#pragma once

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

// Sockets that a killed keeper has left are removed at once.
kj::Own<AgentService> makeForward(ServiceHost& host);

}  // namespace nodeagent
