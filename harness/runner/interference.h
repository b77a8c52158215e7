// Finds which earlier tests make a later one fail: the smallest set of them after which it fails,
// by delta debugging (Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input). How
// tests run is the caller's business.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace harness::runner {

enum class TrialEnd { kPasses, kFails };

// The places of earlier tests, in their order.
using Places = std::vector<size_t>;

struct InterferenceOptions {
  // The number of earlier tests.
  size_t earlier = 0;

  // How often a question is asked whose answer everything else depends on. At least 1.
  int again = 3;

  // How many trials there are at most.
  int trialsMax = 100;
};

struct Interference {
  enum class Ending {
    // The test passes alone and fails after `tests`, none of which can be left out.
    kFound,
    kFailsAlone,
    // It passes after all earlier tests, too.
    kFailsNoMore,
    // Equal trials had different ends.
    kFlaky,
    // There were too many trials: it fails after `tests`, perhaps also after some of them.
    kTrialsOver,
  };

  Ending ending = Ending::kFailsNoMore;
  Places tests = {};
  int trials = 0;
};

// "found", "fails alone" and so on.
std::string_view wordOf(Interference::Ending ending);

// Runs the test after the earlier ones at these places. What it throws ends the search.
using Trial = std::function<TrialEnd(const Places& earlier)>;

Interference findInterference(const InterferenceOptions& options, const Trial& trial);

}  // namespace harness::runner
