// Disturbs the node's network, by offering the capabilities of schema/fault.capnp. fault_table.h
// holds the faults.
#pragma once

#include "nodeagent/netfault/nft_table.h"
#include "nodeagent/session/agent_service.h"

namespace nodeagent {

// `run` takes the place of the node's nft for tests.
kj::Own<AgentService> makeNetfault(ServiceHost& host, netfault::RunTool run = netfault::runTool());

}  // namespace nodeagent
