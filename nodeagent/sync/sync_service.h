// Lets commands of a session speak to the test and to commands on other nodes: offers the
// capability of schema/sync.capnp, and serves `nodeagent notify` and its siblings (sync_command.h).
#pragma once

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

// Without a state directory, or where the socket cannot be made, commands are not served.
kj::Own<AgentService> makeSync(ServiceHost& host);

}  // namespace nodeagent
