// Says what the runs of ./muster-runs tell of tests, for the commands that plan runs. A history
// that is not there or cannot be read is no error for them: they go on without.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace harness {

struct KnownTimes {
  // By the ids of the tests, the median of their last passes. Absent: unknown.
  std::map<std::string, double> seconds = {};

  // Why nothing is known. Empty: the history was read, whatever it has.
  std::string problem = {};
};

// Both read the history, whose index is brought up to date first.
KnownTimes knownTimes(const std::vector<std::string>& tests);

struct KnownPasses {
  // By the ids of the tests, the number of passes with which their histories end. Absent: none.
  std::map<std::string, int> passes = {};

  // Why nothing is known. Empty: the history was read, whatever it has.
  std::string problem = {};
};

KnownPasses knownPasses(const std::vector<std::string>& tests);

}  // namespace harness
