// What this machine must offer for local nodes, looked at before anything is made.
#pragma once

#include <string>

#include "harness/provision/provisioner.h"

namespace harness {

// Changes nothing. `plan` decides what is needed.
Examination examineMachine(const ClusterPlan& plan, const std::string& hubProgram,
                           const std::string& agentProgram);

// systemd as process 1 takes several inotify instances per node, and exits without a word if there
// are none left. Raises the limit if it is lower; what cannot be raised is reported as degraded by
// examineMachine.
void raiseInotifyLimit();

}  // namespace harness
