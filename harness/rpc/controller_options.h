// Values of the connections of a process, which are their options and the leftovers of a session.
// The calls are in controller.h.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <muster/deadline.h>

namespace harness {

using muster::SteadyTime;

// Options of connections. The defaults are those of the architecture; tests set shorter times.
struct ControllerOptions {
  std::chrono::nanoseconds heartbeatEvery = std::chrono::seconds(1);

  // The time for an answer to a heartbeat; then the node counts as gone.
  std::chrono::nanoseconds heartbeatMax = std::chrono::seconds(3);

  // The time for socket, TLS and hello together.
  std::chrono::nanoseconds connectMax = std::chrono::seconds(3);
  std::chrono::nanoseconds backoffMin = std::chrono::milliseconds(50);
  std::chrono::nanoseconds backoffMax = std::chrono::seconds(2);

  // The time without contact after which the node ends our session.
  std::chrono::nanoseconds lease = std::chrono::seconds(60);

  // The labels of sessions and jobs; see run_id.h.
  std::vector<std::pair<std::string, std::string>> labels;
};

// Something that a session could not undo when it was closed.
struct Leftover {
  std::string node;
  std::string what;
  std::string reason;
};

}  // namespace harness
