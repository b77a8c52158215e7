// The connections of one command to its nodes.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harness/cli/interrupt.h"
#include "harness/cluster/description.h"
#include "harness/rpc/controller.h"

namespace harness {

// Returns the options of a command's connections, with the labels of its sessions.
ControllerOptions commandOptions(const std::string& runId);

// Connects to nodes. Its destructor ends the sessions, and with them the commands on the nodes. So
// does a signal that interrupts the program (interrupt.h), by which calls that wait fail.
class Connections {
 public:
  // Begins to connect, as part of the run `runId`. Make it before other threads are made, and
  // before the mode of the terminal is changed.
  Connections(const std::vector<NodeDescription>& nodes, const std::string& runId)
      : Connections(nodes, commandOptions(runId)) {}
  Connections(const std::vector<NodeDescription>& nodes, const ControllerOptions& options);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  Controller& controller() { return controller_; }
  const std::vector<ControllerNode*>& nodes() const { return nodes_; }

 private:
  void close() noexcept;

  Controller controller_;
  std::vector<ControllerNode*> nodes_;
  Interrupt interrupt_;
};

// The value of --run-id, else $MUSTER_RUN_ID, else a new one. CommandError with kExitUsage.
std::string chooseRunId(const std::string& option);

}  // namespace harness
