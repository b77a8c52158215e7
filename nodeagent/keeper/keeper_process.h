// Runs the program in the roles `all` and `keeper`. It does not read options (nodeagent/config) and
// does not act as the front.
#pragma once

#include "nodeagent/config/options.h"

namespace nodeagent {

// Serves until SIGTERM or SIGINT, then ends all sessions and returns 0. A second signal makes it
// return at once. SIGHUP reads the configuration again and applies everything that may change (log,
// certificates), or nothing with a line in the log. In the role `all` it starts and watches a
// front, and returns the front's exit status if that could not begin. Throws if it cannot go on.
int runKeeper(const Options& options);

}  // namespace nodeagent
