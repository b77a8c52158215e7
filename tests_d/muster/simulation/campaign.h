// Runs many seeds, one after the other.
#pragma once

#include <stdint.h>

#include <string>
#include <vector>

#include "tests_d/muster/simulation/scenario.h"

namespace simulation {

struct Campaign {
  uint64_t seeds = 0;
  uint64_t hash = 0;  // The hash over the hashes of all runs.
  uint64_t steps = 0;
  int64_t simulatedNs = 0;
  Coverage coverage;
  std::vector<Report> failures;  // The first few, without traces.
  uint64_t failed = 0;
};

// Runs the seeds `first`, `first + step`, ... until `count` have been run or, with kStop, one has
// failed.
enum class OnFailure { kGoOn, kStop };
Campaign runCampaign(uint64_t first, uint64_t step, uint64_t count, OnFailure onFailure);

// Describes a run for people, by its seed, the violated invariant and its history.
std::string traceText(const Report& report);

}  // namespace simulation
