// Serves the control of the node's own services, by offering the capabilities of
// schema/service.capnp. manager.h talks to the service manager.
#pragma once

#include "nodeagent/os/init_system.h"
#include "nodeagent/session/agent_service.h"

namespace nodeagent {

// The texts in `paths` outlive the service.
kj::Own<AgentService> makeServiceControl(ServiceHost& host, const InitPaths& paths = {});

}  // namespace nodeagent
