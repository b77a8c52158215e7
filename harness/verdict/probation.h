// Says which tests are on probation: new ones, which run several times and must pass each time
// before their failures count (docs/reference/waivers.md). It runs nothing, and changes no result.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/run/results.h"
#include "harness/verdict/waivers.h"

namespace harness::verdict {

// The number of passes in a row that end a probation if nobody says another one.
inline constexpr int kProbationPasses = 10;

// What a file says of new tests.
struct Probation {
  // Patterns of COMPONENT/SUITE.NAME with * and ?; one must match.
  std::vector<std::string> tests = {};
  std::string owner = {};

  // The last day on which it holds, such as "2027-06-30".
  std::string expires = {};

  // 0: as many as the command line says.
  int passes = 0;

  // FILE:LINE
  std::string place = {};
};

// Reads the probations of a file of waivers. Throws support::ConfigError with file, line and
// column.
std::vector<Probation> readProbations(const std::string& path);

// A test that is on probation in a run.
struct OnProbation {
  // How often it must pass in this run to end its probation, from 1: what is missing after its last
  // passes in a row in earlier runs.
  int passesMissing = kProbationPasses;
  std::string owner = {};
  std::string expires = {};
};

// By the ids of the tests.
using TestsOnProbation = std::map<std::string, OnProbation>;

struct ProbationPlan {
  TestsOnProbation tests = {};

  // Sentences about probations that are over, have expired, or are about none of the tests.
  std::vector<std::string> notes = {};
};

// `passesBefore` has the number of passes with which the history of a test ends, by its id; absent:
// none. `passes` is for probations that do not say it themselves.
ProbationPlan planProbation(const std::vector<Probation>& probations,
                            const std::vector<std::string>& tests,
                            const std::map<std::string, int>& passesBefore, int passes,
                            const std::string& today);

// Returns what excuses the failures of the tests on probation, and notes about those that have
// passed it. What could not be tried, was cancelled or was not run is not excused.
Waived judgeProbation(const TestsOnProbation& tests, const run::RunResult& result);

}  // namespace harness::verdict
