// The program in the role of the front.
#pragma once

#include "nodeagent/options.h"

namespace nodeagent {

// In the environment of a front that a keeper started: the keeper's process id. Such a front ends
// with the keeper and tells it by one line on standard output that it listens.
constexpr const char* kSupervisorVariable = "MUSTER_SUPERVISOR";

// Listens, gives up privileges, relays until SIGTERM or SIGINT; returns 0 then. SIGHUP: see
// reloadOptions. Throws what makes it impossible to go on.
int runFront(const Options& options);

// The same arguments and files, read again. Throws as readOptions does.
Options reloadOptions(const Options& options);

}  // namespace nodeagent
