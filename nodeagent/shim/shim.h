// Runs the shim, a process that keeps one detached job: it starts the job once, drains its output,
// and serves it to one keeper after the other. It does not find its keepers, which connect to it
// (shim_link.h), and it has no network and no other job.
#pragma once

#include <kj/string.h>

namespace nodeagent {

// Returns the exit status when the job is over and its result is no longer wanted. `directory` is
// one of DetachedFiles.
int runShim(kj::StringPtr directory);

}  // namespace nodeagent
