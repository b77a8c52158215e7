// Puts several runs together, so that a report of them equals that of one run: shards, which divide
// the tests between them, and topologies, on which the same tests run again. It changes no result,
// and what does not fit together is said.
//
// Runs are of one *column* if the property that tells topologies apart has the same value in them.
// Runs of a column are its shards. A test that several of them have has all of their attempts, and
// the worse of their outcomes.
#pragma once

#include <string>
#include <vector>

#include "harness/run/results.h"

namespace harness::report {

// The property of a run that names its column if nothing else is asked for.
inline constexpr char kTopology[] = "topology";

// The property of a run that is a shard: "2/3" is the second of three. The variables of gtest's own
// shards, which are among the settings of programs, say the same.
inline constexpr char kShard[] = "shard";

struct Column {
  // The value of the property; empty for runs without it.
  std::string name = {};

  // Times are relative to the begin of the first run of all columns.
  run::RunResult result = {};

  // The places of its runs in MergedRuns::runs.
  std::vector<size_t> runs = {};

  // For each attempt of each test of `result`, the place of its run in MergedRuns::runs.
  std::vector<std::vector<size_t>> runOfAttempt = {};
};

// What one of the runs was by itself.
struct RunEnd {
  // Nanoseconds from its begin to the last thing that is known of it.
  int64_t length = 0;
  int exitStatus = 0;
  bool isWhole = true;
};

struct MergedRuns {
  // At least one, in the order in which they were given.
  std::vector<run::RunRecord> runs = {};

  // For each of them.
  std::vector<RunEnd> ends = {};

  // At least one, in the order of their first runs.
  std::vector<Column> columns = {};

  // Sentences: which tests ran nowhere, lack in a column, or differ between the runs of one, and
  // which shards are missing. Each kind is bounded, and says how much it leaves out.
  std::vector<std::string> remarks = {};

  // The exit status of all runs as if they were one (docs/reference/records.md).
  int exitStatus = 0;

  // CLOCK_REALTIME at the begin of the first run, in nanoseconds.
  int64_t wall = 0;

  size_t count(run::Outcome outcome) const;

  // Returns nanoseconds from the begin of the first run to the begin of run number `run`.
  int64_t shiftOf(size_t run) const { return runs[run].wall - wall; }
};

// `columnProperty` is the name of the property that tells columns apart. There is at least one run.
MergedRuns mergeRuns(std::vector<run::RunRecord> runs,
                     const std::string& columnProperty = kTopology);

// Something outside of tests for which a run is not green, or may not be believed.
struct OutsideProblem {
  // "set-up and tear-down", "record" or "run".
  std::string name = {};
  run::Outcome outcome = run::Outcome::kFailed;
  std::string text = {};
};

// Returns them, so that no format shows a run as green that is not.
std::vector<OutsideProblem> outsideProblemsOf(const MergedRuns& merged, const Column& column);

}  // namespace harness::report
