// Keeps helper programs for later starts: offers the capability of schema/helper.capnp.
#pragma once

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

kj::Own<AgentService> makeHelper(ServiceHost& host);

}  // namespace nodeagent
