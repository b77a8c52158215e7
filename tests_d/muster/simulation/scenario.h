// One run: what one seed makes happen, from an empty node to an empty node.
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
  uint64_t hash = 0;   // Follows from the whole history.
  uint64_t steps = 0;  // Events of the history.
  int64_t simulatedNs = 0;
  std::string violation;  // Empty: every invariant held.
  Coverage coverage;
  std::vector<std::string> trace;
};

// Runs one seed. `pipes` may be used again afterwards.
Report runSeed(kj::UnixEventPort& pipes, uint64_t seed, World::Trace trace);

}  // namespace simulation
