// What the detached jobs of one keeper share.
#pragma once

#include <kj/async-unix.h>
#include <kj/string.h>
#include <kj/timer.h>

#include "nodeagent/os/worker.h"
#include "schema/support/base/id.h"

namespace nodeagent {

// All of it outlives the jobs.
struct DetachedContext {
  kj::UnixEventPort& port;
  kj::Timer& timer;
  Worker& worker;

  // The program of the shims, which is this one.
  kj::StringPtr program;
};

// The session of each job in its shim. Whose session a job is in changes, and is the keepers'
// business.
inline support::Id shimSessionId() {
  return support::Id();
}

}  // namespace nodeagent
