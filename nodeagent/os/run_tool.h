// Asks one of the node's own small tools for a few lines, where the agent cannot answer itself. Not
// for jobs.
#pragma once

#include <initializer_list>

#include <kj/string.h>

namespace nodeagent {

// Runs `argv`, found in the usual directories of root, with no input and an environment of PATH and
// LC_ALL=C, and returns its standard output, cut at 64 KiB. The result is empty if it cannot be
// started or fails. It is killed, with an empty result too, if it has not ended after `waitMs`.
// Blocks, so it belongs on a worker thread.
kj::String runTool(std::initializer_list<kj::StringPtr> argv, int waitMs);

}  // namespace nodeagent
