// Values of the connections of a process, which are their options, earlier sessions, and the
// leftovers of a session.
// The calls are in controller.h.
#pragma once

#include <chrono>
#include <map>
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

// A session that another controller of the same identity has on a node, without a connection to it.
// It waits for its lease there.
struct EarlierSession {
  std::string node;

  // The 16 bytes by which the agent knows it.
  std::string id;
  std::map<std::string, std::string> labels;
  std::chrono::system_clock::time_point began;
  std::chrono::nanoseconds leaseLeft{0};

  // The first of the commands that run, such as "job 7 (dd)", and the number of all.
  std::vector<std::string> running;
  unsigned runningCount = 0;

  // The number of changes that its end undoes, such as of files.
  unsigned changeCount = 0;
};

enum class EarlierAction {
  // Ends the session, which undoes its changes.
  kEnd,

  // Lets it live until our own session on that node ends.
  kAdopt,
};

// Something that a session could not undo when it was closed.
struct Leftover {
  std::string node;
  std::string what;
  std::string reason;
};

}  // namespace harness
