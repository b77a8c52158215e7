// Reads the logs of the node, and waits for lines in them: offers the capability of
// schema/log.capnp.
#pragma once

#include "nodeagent/log/journal.h"
#include "nodeagent/log/source.h"
#include "nodeagent/session/agent_service.h"

namespace nodeagent {

kj::Own<AgentService> makeLog(ServiceHost& host, logs::LogPaths paths = {},
                              logs::RunTool run = runCommand);

}  // namespace nodeagent
