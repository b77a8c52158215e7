// Runs the program in the role of the front: options, privileges, signals and the tie to its
// keeper. The work itself is front.h.
#pragma once

#include "nodeagent/config/options.h"

namespace nodeagent {

// Holds the keeper's process id in the environment of a front that a keeper started. Such a front
// ends with the keeper, tells it by one line on standard output that it listens, and has a socket
// to it as standard input (link/credential_handover.h).
constexpr const char* kSupervisorVariable = "MUSTER_SUPERVISOR";

// Listens, gives up privileges, relays until SIGTERM or SIGINT; returns 0 then. SIGHUP reads
// certificates and log level again; a front that a keeper started is handed them instead. Throws if
// it cannot go on.
int runFront(const Options& options);

// Reads the same arguments and files again. Throws as readOptions does.
Options reloadOptions(const Options& options);

}  // namespace nodeagent
