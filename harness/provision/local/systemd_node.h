// Adds to a local node the files by which the machine's own systemd can be its process 1.
#pragma once

#include "harness/provision/local/hub/spec.h"

namespace harness {

// Adds process 1, the agent's unit (that of init/), and a unit for the boot commands. Masks units
// that would change the host: its devices, modules, sysctls, clock, network, consoles or mounts.
void composeSystemd(NodeSpec& spec);

}  // namespace harness
