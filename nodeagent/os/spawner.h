// Where the processes of jobs come from: the seam between a job and the kernel's processes, so that
// a simulated node can stand behind it.
#pragma once

#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/spawn.h"

namespace nodeagent {

class Spawner {
 public:
  virtual ~Spawner() noexcept(false) = default;

  // As launchProgram.
  virtual kj::OneOf<kj::Own<Launch>, SpawnFailure> launch(const SpawnOptions& options) = 0;

  // As reapChild and signalChild, for a pidfd of one of its launches.
  virtual kj::Maybe<ExitReport> reap(int pidfd) = 0;
  virtual int signal(int pidfd, int number) = 0;
};

// The kernel's processes. Lives as long as the process.
Spawner& systemSpawner();

}  // namespace nodeagent
