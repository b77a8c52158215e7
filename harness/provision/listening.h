// Waits until the agents of nodes that were made listen.
#pragma once

#include <functional>
#include <vector>

#include "harness/cluster/description.h"
#include "harness/os/wait.h"

namespace harness {

// Waits until something accepts connections at the endpoint of each node. `whenReady` is called
// once for each node, in the order in which they are ready; `tick` is called at least each 100 ms,
// and what it throws is passed on. Throws ProvisionError with the name of a node that is not ready
// at the deadline. A route with a host name is not for it.
void awaitListening(const std::vector<NodeDescription>& nodes, Deadline deadline,
                    const std::function<void(const NodeDescription& node)>& whenReady,
                    const std::function<void()>& tick);

}  // namespace harness
