// Many seeds, one after the other.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "tests_d/muster/simulation/scenario.h"

namespace simulation {

struct Campaign {
  uint64_t seeds = 0;
  uint64_t hash = 0;  // The hashes of all runs in one.
  uint64_t steps = 0;
  int64_t simulatedNs = 0;
  Coverage coverage;
  std::vector<Report> failures;  // The first few, without traces.
  uint64_t failed = 0;
};

// Seeds `first`, `first + step`, ... until `count` have been run or, if `stopAtFailure`, one has
// failed.
enum class OnFailure { kGoOn, kStop };
Campaign runCampaign(uint64_t first, uint64_t step, uint64_t count, OnFailure onFailure);

// For people: seed, invariant and the history of that run.
std::string traceText(const Report& report);

}  // namespace simulation
