// Holds the parts that the detached jobs of one keeper share. It knows no job.
#pragma once

#include <kj/async-unix.h>
#include <kj/string.h>
#include <kj/timer.h>

#include "nodeagent/os/worker.h"
#include "schema/support/base/id.h"

namespace nodeagent::exec {

// All parts outlive the jobs.
struct DetachedContext {
  kj::UnixEventPort& port;
  kj::Timer& timer;
  // Does everything that touches the directories of the jobs, whose disk may be slow or hang.
  Worker& disk;

  // Names the program of the shims, which is this one.
  kj::StringPtr program;
};

// Returns the id of the session that each job has in its shim. It is the same for all: the session
// that owns a job may change, and only keepers follow that.
inline support::Id shimSessionId() {
  return support::Id();
}

}  // namespace nodeagent::exec
