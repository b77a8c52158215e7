// Finds the runs in which tests were green before, beside the one that is looked at, and what the
// logs of a test that failed have beyond them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/report/log_patterns.h"
#include "harness/run/results.h"

namespace harness {

// Reads no run before it is needed, and each of them once. It asks the index of the directory that
// the run is in if that is one of runs (harness/history), and looks at the runs themselves
// otherwise, or if the index cannot be used.
class GoodRuns {
 public:
  // The run that is looked at, which must outlive this.
  explicit GoodRuns(const run::RunRecord& run) : run_(run) {}

  // Returns what is new since the last run in which the test was green and has left lines of its
  // logs. nullopt: the test is green or did not run, it has no lines, or there is no such run.
  std::optional<report::NewLines> newLinesOf(const run::TestResult& test);

 private:
  struct Known {
    run::RunRecord record = {};
    run::RunResult result = {};
  };

  std::vector<std::string> candidatesFor(const std::string& test);
  std::vector<std::string> indexedRunsOf(const std::string& test);
  const std::vector<std::string>& earlierRuns();
  const Known* knownRun(const std::string& directory);

  const run::RunRecord& run_;
  // The directories of runs beside this one that began before it, the newest first.
  std::optional<std::vector<std::string>> earlier_;
  std::map<std::string, std::optional<Known>> known_;
};

}  // namespace harness
