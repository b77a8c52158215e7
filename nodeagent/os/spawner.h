// Starts, signals and reaps the processes of jobs. It is the seam between a job and the kernel's
// processes, so that a simulated node can stand behind it.
#pragma once

#include "nodeagent/os/pidfd.h"
#include "nodeagent/os/spawn.h"

namespace nodeagent {

class Spawner {
 public:
  virtual ~Spawner() noexcept(false) = default;

  // Starts a program as launchProgram does.
  virtual kj::OneOf<kj::Own<Launch>, SpawnFailure> launch(const SpawnOptions& options) = 0;

  // Reap and signal as reapChild and signalChild do, for a pidfd of one of this object's launches.
  virtual kj::Maybe<ExitReport> reap(int pidfd) = 0;
  virtual int signal(int pidfd, int number) = 0;
};

// Returns the spawner of the kernel's processes, which lives as long as the process.
Spawner& systemSpawner();

}  // namespace nodeagent
