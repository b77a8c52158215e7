// Records what the node and its processes use: offers the capability of schema/metrics.capnp.
#pragma once

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

kj::Own<AgentService> makeMetrics(ServiceHost& host);

}  // namespace nodeagent
