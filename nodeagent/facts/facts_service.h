// Serves the facts of the node, which are read whenever they are asked for. collect.h reads each.
#pragma once

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

kj::Own<AgentService> makeFacts(ServiceHost& host);

}  // namespace nodeagent
