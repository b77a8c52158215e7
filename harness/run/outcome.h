// Says what can become of a test, and which exit status a run of many has
// (docs/reference/records.md). It judges nothing: results.h does.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace harness::run {

enum class Outcome {
  // These are results, of one attempt of a test.
  kPassed,
  kFailed,
  kCrashed,
  kTimedOut,
  // Nodes or set-up failed, so that the test was not tried.
  kInfrastructure,
  kSkipped,
  kCancelled,
  // It was planned and did not begin.
  kNotRun,

  // These are made of results and of what exonerates them; those are never changed.
  //
  // An attempt failed and a later one passed.
  kFlaky,
  // It failed as a waiver foretells, or while it was on probation.
  kWaived,
  // It passed though a waiver foretells a failure.
  kUnexpectedlyPassed,
  // It failed on used nodes, and passed on fresh ones.
  kPolluted,
};

inline constexpr int kOutcomeCount = 12;

// "passed", "timed out", "not run" and so on, as records and reports have it.
std::string_view wordOf(Outcome outcome);

// Returns the outcome of a word; nullopt: there is none of that name.
std::optional<Outcome> outcomeOf(std::string_view word);

// Tells whether the outcome lets a run be green.
bool isGreen(Outcome outcome);

// Returns the worse of two outcomes: a failure outweighs everything, and a pass nothing.
Outcome worseOf(Outcome one, Outcome other);

// Returns the exit status of a run: a TestExitStatus (schema/support/base/exit_status.h). A failure
// outweighs infrastructure, which outweighs a cancellation. No outcomes, or only skipped tests,
// have kExitNothingRan.
int exitStatusOf(const std::vector<Outcome>& outcomes);

}  // namespace harness::run
