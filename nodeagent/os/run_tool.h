// Asks one of the node's own small tools for a few lines, where the agent cannot answer itself. Not
// for jobs.
#pragma once

#include <initializer_list>

#include <kj/string.h>

namespace nodeagent {

// Runs `argv`, found in the usual directories of root, with no input and an environment of PATH and
// LC_ALL=C, and returns what it wrote to standard output, cut at 64 KiB. Empty if it cannot be
// started, fails, or has not ended after `waitMs`, when it is killed. Blocks: for a worker thread.
kj::String runTool(std::initializer_list<kj::StringPtr> argv, int waitMs);

}  // namespace nodeagent
