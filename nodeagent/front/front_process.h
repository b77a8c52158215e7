// Runs the program in the role of the front: options, privileges, signals and the tie to its
// keeper. The work itself is front.h.
#pragma once

#include "nodeagent/config/options.h"

namespace nodeagent {

// Listens, gives up privileges, relays until SIGTERM or SIGINT; returns 0 then. SIGHUP reads
// certificates and log level again; a front that a keeper started is handed them instead. Throws if
// it cannot go on.
int runFront(const Options& options);

}  // namespace nodeagent
