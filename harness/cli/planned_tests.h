// What the runner is told of the tests that were chosen.
#pragma once

#include "harness/runner/runner.h"
#include "harness/selection/listed_test.h"

namespace harness {

runner::PlannedTest plannedOf(const selection::ListedTest& test);

// Adds a test behind the others: to the last program if it is of that, else to a new one.
void addTo(std::vector<runner::PlannedProgram>& programs, const selection::ListedTest& test);

}  // namespace harness
