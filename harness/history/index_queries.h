// Reads what the index has of runs and tests, as plain values. Analyses of them are in files of
// their own: transitions.h, flake_rate.h, change_point.h, duration_change.h, failure_clusters.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/history/database.h"
#include "harness/history/failure_clusters.h"
#include "harness/history/flake_rate.h"
#include "harness/history/indexed_run.h"
#include "harness/history/transitions.h"
#include "harness/run/outcome.h"

namespace harness::history {

struct RunRow {
  std::string id = {};

  // CLOCK_REALTIME in nanoseconds.
  int64_t began = 0;
  double seconds = 0;
  RunState state = RunState::kEnded;
  std::string problem = {};
  int exitStatus = 0;
  size_t tests = 0;
  std::string revision = {};
  std::string branch = {};
  bool isDirty = false;
  std::string product = {};
  std::string command = {};

  // Why it is pinned; nullopt: it is not.
  std::optional<std::string> pin = {};

  // The number of tests of each outcome, by its word.
  std::map<std::string, size_t> counts = {};
};

// Returns the runs, the newest first, at most this number of them. 0: all.
std::vector<RunRow> runsOf(Database& database, size_t most);

// Returns the number of runs.
size_t countRuns(Database& database);

// Returns the ids of all tests, sorted.
std::vector<std::string> testsOf(Database& database);

// A test in one run.
struct ResultRow {
  std::string run = {};
  int64_t began = 0;
  RunState state = RunState::kEnded;
  run::Outcome outcome = run::Outcome::kNotRun;
  std::string because = {};
  double seconds = 0;
  size_t attempts = 1;
  bool isMixed = false;

  // The sources and the product (VersionedResult); the run's id if either is unknown or changed by
  // hand, because then nobody can tell that another run had the same.
  std::string version = {};
  std::string revision = {};
  bool isDirty = false;

  // The first failure and its place. Empty: there is none.
  std::string failure = {};
  std::string place = {};
};

// Returns the results of a test in all runs, the oldest first. Those of a run that goes on are left
// out: they are not results yet.
std::vector<ResultRow> resultsOf(Database& database, const std::string& test);

// Returns the ids of the runs before `began` in which a test passed, also at a later attempt, the
// newest first, at most this number of them.
std::vector<std::string> greenRunsOf(Database& database, const std::string& test, int64_t began,
                                     size_t most);

// A run with tests of a test's component, the oldest first.
struct PresentRun {
  std::string run = {};
  Presence presence = {};
};
std::vector<PresentRun> presenceOf(Database& database, const std::string& test);

// Returns the first failure of each test that failed, in the newest runs, at most this number of
// them. Failures of nodes are among them.
std::vector<FailureOf> firstFailuresOf(Database& database, size_t newestRuns);

}  // namespace harness::history
