// Waits for conditions of the node, and asks web servers from there: offers the capability of
// schema/wait.capnp.
#pragma once

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

kj::Own<AgentService> makeWait(ServiceHost& host);

}  // namespace nodeagent
