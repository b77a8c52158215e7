// Runs one seed, from an empty node to an empty node.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include <kj/async-unix.h>

#include "tests_d/muster/simulation/coverage.h"
#include "tests_d/muster/simulation/world.h"

namespace simulation {

struct Report {
  uint64_t seed = 0;
  uint64_t hash = 0;   // The hash of the history.
  uint64_t steps = 0;  // The number of events in it.
  int64_t simulatedNs = 0;
  std::string violation;  // Empty if every invariant held.
  Coverage coverage;
  std::vector<std::string> trace;
};

// Runs one seed. `pipes` may be used for another run afterwards.
Report runSeed(kj::UnixEventPort& pipes, uint64_t seed, World::Trace trace);

}  // namespace simulation
