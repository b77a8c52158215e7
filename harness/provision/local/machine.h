// What this machine must offer for local nodes, looked at before anything is made.
#pragma once

#include <string>
#include <vector>

#include "harness/cluster/plan.h"

namespace harness {

struct MachineReport {
  std::vector<std::string>
      missing;  // Without these there are no nodes. Each: what, and what would be right.
  std::vector<std::string>
      degraded;  // Without these something else will not work. Each: what, and what it costs.
};

// Changes nothing. `plan` decides what is needed.
MachineReport examineMachine(const ClusterPlan& plan, const std::string& hubProgram,
                             const std::string& agentProgram);

// systemd as process 1 takes several inotify instances per node, and exits without a word if there
// are none left. Raises the limit if it is lower; what cannot be raised is reported as degraded by
// examineMachine.
void raiseInotifyLimit();

}  // namespace harness
