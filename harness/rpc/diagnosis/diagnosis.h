// What went wrong on nodes, and what runs there, for plain blocking code.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/diagnosis/crash.h"

namespace harness::rpc {

// Asks all nodes at once for crashes since their marks. There is one answer per node, in order.
// Without a mark it has no crashes, and the present as the next one. An agent that does not tell of
// crashes answers so each time.
std::vector<std::variant<CrashLook, muster::NodeError>> lookForCrashes(
    const std::vector<ControllerNode*>& nodes, const std::vector<CrashMark>& since,
    SteadyTime until);

// Asks all nodes at once for a text about their processes, for people.
std::vector<std::variant<std::string, muster::NodeError>> describeProcesses(
    const std::vector<ControllerNode*>& nodes, SteadyTime until);

}  // namespace harness::rpc
