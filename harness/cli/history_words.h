// The texts and the JSON by which the commands show runs, results and their history. What they show
// comes from harness/run and harness/history.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/cli/table.h"
#include "harness/history/change_point.h"
#include "harness/history/duration_change.h"
#include "harness/history/failure_clusters.h"
#include "harness/history/flake_rate.h"
#include "harness/history/index_queries.h"
#include "harness/run/hold.h"

namespace harness {

// "2026-12-01 02:45:01Z" of nanoseconds since 1970.
std::string utcText(int64_t realtimeNs);

// "250 ms", "12.3 s" of seconds.
std::string secondsText(double seconds);

// "3.1 %"
std::string percentText(double share);

enum class WorkTree { kClean, kDirty };

// "3fa91c20d1b2, dirty"; empty: unknown.
std::string revisionText(const std::string& revision, WorkTree workTree);

// "1 failed, 2 flaky": what did not simply pass, the worst first.
std::string othersText(const std::map<std::string, size_t>& counts);

// The tests that runs hold now, by the ids of the runs.
using HeldRuns = std::map<std::string, std::vector<run::Hold>>;

Json runJson(const history::RunRow& row, const HeldRuns& held);
std::string runTable(const std::vector<history::RunRow>& rows, const HeldRuns& held);

// The history of one test, with all that is derived from it.
struct TestHistory {
  std::string test = {};

  // The oldest first.
  std::vector<history::ResultRow> rows = {};
  std::vector<history::Transition> transitions = {};
  history::Rate flakes = {};

  // Places in `rows`.
  std::vector<history::ChangePoint> changes = {};
  std::optional<history::DurationChange> duration = {};

  // The first run without it. Empty: it is not gone.
  std::string goneSince = {};
};

TestHistory historyOf(history::Database& database, const std::string& test);

// `newest` is the number of runs to be shown; 0: all.
std::string historyText(const TestHistory& history, size_t newest);
Json historyJson(const TestHistory& history, size_t newest);

// Groups of failures, each with its tests; and its runs, if there are several.
std::string clustersText(const std::vector<history::FailureCluster>& clusters);
Json clustersJson(const std::vector<history::FailureCluster>& clusters);

// The text indented by this number of blanks, at most `linesMost` lines of it.
std::string indented(const std::string& text, size_t blanks, size_t linesMost);

}  // namespace harness
