#include "harness/run/outcome.h"

#include <algorithm>
#include <iterator>

#include "schema/support/base/exit_status.h"

namespace harness::run {
namespace {

using enum support::TestExitStatus;

struct Row {
  std::string_view word;
  bool isGreen;
  // The exit status of a run with nothing worse.
  int status;
  // Higher is worse.
  int weight;
};

// In the order of the enumeration.
constexpr Row kRows[kOutcomeCount] = {
    {"passed", true, kExitPassed, 1},
    {"failed", false, kExitFailed, 9},
    {"crashed", false, kExitFailed, 11},
    {"timed out", false, kExitFailed, 10},
    {"infrastructure", false, kExitInfrastructure, 6},
    {"skipped", true, kExitNothingRan, 0},
    {"cancelled", false, kExitCancelled, 5},
    {"not run", false, kExitFailed, 7},
    {"flaky", true, kExitPassed, 3},
    {"waived", true, kExitPassed, 4},
    {"unexpectedly passed", true, kExitPassed, 2},
    {"polluted", false, kExitFailed, 8},
};

const Row& rowOf(Outcome outcome) {
  return kRows[static_cast<int>(outcome)];
}

}  // namespace

std::string_view wordOf(Outcome outcome) {
  return rowOf(outcome).word;
}

std::optional<Outcome> outcomeOf(std::string_view word) {
  auto found = std::find_if(std::begin(kRows), std::end(kRows),
                            [&](const Row& row) { return row.word == word; });
  if (found == std::end(kRows)) return std::nullopt;
  return static_cast<Outcome>(found - std::begin(kRows));
}

bool isGreen(Outcome outcome) {
  return rowOf(outcome).isGreen;
}

Outcome worseOf(Outcome one, Outcome other) {
  return rowOf(one).weight >= rowOf(other).weight ? one : other;
}

// What was cancelled leaves tests that were not run, and they are no failure of their own.
int exitStatusOf(const std::vector<Outcome>& outcomes) {
  auto has = [&](int status) {
    return std::any_of(outcomes.begin(), outcomes.end(), [&](Outcome outcome) {
      return rowOf(outcome).status == status && outcome != Outcome::kNotRun;
    });
  };
  auto hasNotRun = std::find(outcomes.begin(), outcomes.end(), Outcome::kNotRun) != outcomes.end();
  for (int status : {kExitFailed, kExitInfrastructure, kExitCancelled}) {
    if (has(status)) return status;
  }
  if (hasNotRun) return kExitFailed;
  return has(kExitPassed) ? kExitPassed : kExitNothingRan;
}

}  // namespace harness::run
