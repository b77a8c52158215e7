// Writes JUnit XML of a run, a file for each component, as gtest would have written it had every
// program lived to.
#pragma once

#include <string>
#include <vector>

#include "harness/run/results.h"
#include "harness/runner/test_programs.h"

namespace harness {

// Makes the directory, removes the reports of `programs` that an earlier run has left there, and
// makes sure that new ones can be made. Throws SystemError.
void prepareReports(const std::string& directory, const std::vector<TestProgram>& programs);

// Throws SystemError.
void writeReports(const std::string& directory, const run::RunResult& result);

}  // namespace harness
