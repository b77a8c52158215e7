// Changes settings of the node for as long as a session lasts, by offering the capabilities of
// schema/change.capnp. change_table.h holds the changes.
#pragma once

#include "nodeagent/change/change_kind.h"
#include "nodeagent/session/agent_service.h"

namespace nodeagent {

// `node` takes the place of the node for tests.
kj::Own<AgentService> makeChange(ServiceHost& host,
                                 change::Surroundings node = change::nodeSurroundings());

}  // namespace nodeagent
