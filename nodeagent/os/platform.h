// Gathers the seams between the agent's services and the node: clock, processes, scratch files and
// threads. A simulation puts its own machine behind them.
//
// It does not wrap single system calls. A service uses the file system and other programs directly,
// on a thread of a worker.
#pragma once

#include <stddef.h>

#include <kj/async-unix.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/timer.h>

#include "nodeagent/os/clock.h"
#include "nodeagent/os/process_set.h"
#include "nodeagent/os/scratch_disk.h"
#include "nodeagent/os/spawner.h"
#include "nodeagent/os/worker.h"

namespace nodeagent {

// The seams of one node. It outlives everything that it returns, and belongs to the thread of one
// loop.
class Platform {
 public:
  virtual ~Platform() noexcept(false) = default;

  virtual const Clock& clock() = 0;

  virtual Spawner& spawner() = 0;

  // Makes the sets in which the processes of jobs are found. It kills processes that an earlier
  // agent left in sets of the same `name`, and may block for some seconds for that.
  virtual kj::Own<ProcessSets> makeProcessSets(kj::StringPtr name) = 0;

  // Opens `directory` as ScratchDisk::inDirectory does.
  virtual kj::Own<ScratchDisk> openScratchDisk(kj::StringPtr directory) = 0;

  // Makes a worker that runs `threads` tasks at once.
  virtual kj::Own<Worker> makeWorker(size_t threads) = 0;
};

// Returns the seams of the node itself. `port` and `timer` outlive it.
kj::Own<Platform> makeNodePlatform(kj::UnixEventPort& port, kj::Timer& timer);

}  // namespace nodeagent
