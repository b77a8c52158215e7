// The program in the roles all and keeper.
#pragma once

#include "nodeagent/config/options.h"

namespace nodeagent {

// Serves until SIGTERM or SIGINT, then ends all sessions and returns 0; at the second signal it
// returns at once. SIGHUP reads the configuration again: all of what may change (log, certificates)
// or, with a line in the log, nothing. Role all: starts and watches a front, and returns its exit
// status if it could not begin. Throws what makes it impossible to go on.
int runKeeper(const Options& options);

}  // namespace nodeagent
