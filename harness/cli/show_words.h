// The texts and the JSON of `muster show`: one run, or one test of it, from its records.
#pragma once

#include <string>

#include "harness/cli/table.h"
#include "harness/run/results.h"
#include "harness/run/run_record.h"

namespace harness {

// A run that was read, and what became of its tests.
struct ShownRun {
  run::RunRecord record;
  run::RunResult result;

  // The directory's name, as the commands take it.
  std::string name;
};

// Throws SystemError if the directory has no records.
ShownRun shownRun(const std::string& directory);

std::string runText(const ShownRun& run);
Json shownRunJson(const ShownRun& run);

std::string testText(const ShownRun& run, const run::TestResult& test);
Json testJson(const ShownRun& run, const run::TestResult& test);

// Returns the commands that run these tests again, a line for each component.
std::string againText(const std::vector<const run::TestResult*>& tests);

}  // namespace harness
