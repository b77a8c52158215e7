// What a local node needs so that the machine's own systemd can be its process 1.
#pragma once

#include "harness/provision/local/hub/spec.h"

namespace harness {

// Adds process 1, the agent's unit (that of init/), a unit for the boot commands, and masks what
// would reach for the machine: devices, kernel settings, clocks, consoles, its file system table.
void composeSystemd(NodeSpec& spec);

}  // namespace harness
