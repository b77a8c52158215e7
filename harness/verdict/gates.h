// Says what a run, or several together, must have besides green tests (docs/reference/gates.md): so
// many tests, results of named environments, probes that were met, no more than some time. A run
// that lacks it is not green, however well its tests did.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/results.h"

namespace harness::verdict {

// The property of a run that an environment without one names.
inline constexpr char kEnvironmentProperty[] = "topology";

// Where runs are to have run: a value of a property or setting of runs.
struct Environment {
  std::string property = kEnvironmentProperty;
  std::string value = {};

  // "topology=3x1"
  std::string text() const { return property + "=" + value; }
};

// Reads "3x1" or "image=debian-12". Absent: it is none.
std::optional<Environment> environmentFrom(const std::string& text);

struct Gates {
  // The number of tests that must have run. 0: any.
  size_t testsLeast = 0;

  // How long each run may take. Zero: any time.
  std::chrono::nanoseconds lengthMost{0};

  // Each must have a result of a test that ran there.
  std::vector<Environment> environments = {};

  // Each probe of the programs must be met (probes.h).
  bool requiresProbes = false;

  // Some of them are only known by the records.
  bool needRecords() const { return testsLeast > 0 || !environments.empty() || requiresProbes; }
};

// Reads a file of gates. Throws support::ConfigError with file, line and column.
Gates readGates(const std::string& path);

// A run, and what became of it.
struct JudgedRun {
  const run::RunRecord& record;
  const run::RunResult& result;
};

// Returns a sentence for each gate of tests, environments and probes that is not open.
std::vector<std::string> closedGates(const Gates& gates, const std::vector<JudgedRun>& runs);

// Returns the sentence about a run of that length; empty: it did not take too long.
std::string closedByLength(const Gates& gates, std::chrono::nanoseconds length);

}  // namespace harness::verdict
