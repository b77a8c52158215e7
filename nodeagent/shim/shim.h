// The process that keeps one detached job: starts it once, drains its output, and serves it to one
// keeper after the other. It outlives them. It has no session's lease, no network and no other job.
#pragma once

#include <kj/string.h>

namespace nodeagent {

// Returns the exit status when the job is over and nobody wants its result any more; see
// DetachedFiles for `directory`.
int runShim(kj::StringPtr directory);

}  // namespace nodeagent
