// Finds what went wrong on the node without anybody who asked for it: offers the capability of
// schema/diagnosis.capnp.
#pragma once

#include "nodeagent/session/agent_service.h"

namespace nodeagent {

kj::Own<AgentService> makeDiagnosis(ServiceHost& host);

}  // namespace nodeagent
