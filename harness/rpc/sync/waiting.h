// The commands of nodes that wait at barriers and for events, of every controller, for people who
// look for what a test hangs at.
#pragma once

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include <muster/node_error.h>

#include "harness/rpc/controller_node.h"
#include "harness/rpc/job/job_listing.h"

namespace harness {

struct WaitingCommand {
  JobName job;

  // As the agent tells it: cut, and without what looks like a secret.
  std::string command;
  std::string identity;

  // Names the barrier, or else the event.
  std::string name;
  bool isBarrier = false;

  // How many commands it wants at the barrier. 0: whatever the others or the test say.
  uint32_t count = 0;
  std::chrono::nanoseconds waited{0};

  // Until it gives up by itself.
  std::chrono::nanoseconds remaining{0};
};

namespace rpc {

// Asks all nodes at once, and gives one answer or error for each, in order.
std::vector<std::variant<std::vector<WaitingCommand>, muster::NodeError>> listWaiting(
    const std::vector<ControllerNode*>& nodes, SteadyTime until);

}  // namespace rpc
}  // namespace harness
