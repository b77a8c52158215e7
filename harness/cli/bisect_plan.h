// What `muster bisect` runs: the tests that ran before one that failed, in the order and the
// processes of a recorded run. The search itself is harness/runner/interference.h.
#pragma once

#include <string>
#include <vector>

#include "harness/run/results.h"
#include "harness/runner/runner.h"
#include "harness/selection/listed_test.h"

namespace harness {

struct BisectPlan {
  // The tests that began before `test`, in the order in which they did.
  std::vector<selection::ListedTest> earlier = {};
  selection::ListedTest test = {};

  // How the run had its tests run. Directory and id are those of no run yet.
  runner::RunnerOptions options = {};

  // Words for `muster run` that make it run tests in the same way, ready for a shell.
  std::string words = {};

  // Ids of earlier tests that no program has any more.
  std::vector<std::string> gone = {};
};

// Reads the plan from the record of a run, by the command line of that. From now on the working
// directory is that of the run. Throws CommandError with
//   kExitNoInput  the record names no test `test`, or its programs are not there
//   kExitData     the test did not fail in the run, or it has no command line that can be repeated
BisectPlan readBisectPlan(const run::RunRecord& record, const std::string& test);

}  // namespace harness
