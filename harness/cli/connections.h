// The connections of one command to the nodes it is about.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/cluster/description.h"
#include "harness/rpc/stubs.h"

namespace harness {

// Connects to nodes and ends the sessions, and with them the commands on the nodes, when it goes or
// when the program is interrupted (SIGINT, SIGTERM, SIGHUP), with exit status 128 and the signal's
// number then.
class Connections {
 public:
  // Begins to connect, as part of the run `runId`. Make it before other threads are made.
  Connections(const std::vector<NodeDescription>& nodes, const std::string& runId);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  Controller& controller() { return controller_; }
  const std::vector<NodeStub*>& nodes() const { return nodes_; }

 private:
  Controller controller_;
  std::vector<NodeStub*> nodes_;
};

// The value of --run-id, else $MUSTER_RUN_ID, else a new one. CommandError with kExitUsage.
std::string chooseRunId(const std::string& option);

// "10s", "5m". CommandError with kExitUsage if it is not a positive duration.
std::chrono::nanoseconds durationOption(const std::string& text, const std::string& option);

}  // namespace harness
