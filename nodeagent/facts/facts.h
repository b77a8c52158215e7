// Makes the capability of the facts service, which reads what a node is whenever it is asked.
#pragma once

#include <kj/function.h>

#include "nodeagent/os/worker.h"
#include "schema/facts.capnp.h"

namespace nodeagent {

// Numbers that the agent knows of itself and this service cannot find out.
struct AgentNumbers {
  int64_t startedRealtimeNs = 0;
  uint32_t jobsRunning = 0;
  uint32_t sessions = 0;
};

// Makes the capability. `numbers` is called on the loop for each reading. `worker` outlives the
// capability.
wire::FactsView::Client makeFacts(Worker& worker, kj::Function<AgentNumbers()> numbers);

}  // namespace nodeagent
