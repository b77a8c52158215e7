// Examines whether this machine offers what local nodes need, before anything is made.
#pragma once

#include <string>

#include "harness/provision/provisioner.h"

namespace harness {

// Looks for the things that `plan` needs, and changes nothing.
Examination examineMachine(const ClusterPlan& plan, const std::string& hubProgram,
                           const std::string& agentProgram);

// Raises the limit of inotify instances if it is low: systemd as process 1 takes several per node,
// and exits without a word if none are left. A limit that cannot be raised is reported as degraded
// by examineMachine.
void raiseInotifyLimit();

}  // namespace harness
