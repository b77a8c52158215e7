// The program in the role of the front.
#pragma once

#include "nodeagent/config/options.h"

namespace nodeagent {

// In the environment of a front that a keeper started: the keeper's process id. Such a front ends
// with the keeper, tells it by one line on standard output that it listens, and has a socket to it
// as standard input (handover.h).
constexpr const char* kSupervisorVariable = "MUSTER_SUPERVISOR";

// Listens, gives up privileges, relays until SIGTERM or SIGINT; returns 0 then. SIGHUP
// reads certificates and log level again; a front that a keeper started is handed them instead.
// Throws what makes it impossible to go on.
int runFront(const Options& options);

// The same arguments and files, read again. Throws as readOptions does.
Options reloadOptions(const Options& options);

}  // namespace nodeagent
