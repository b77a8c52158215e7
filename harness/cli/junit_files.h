// Writes JUnit XML of a run, a file for each component, for those who collect reports by component.
#pragma once

#include <string>
#include <vector>

#include "harness/run/run_record.h"
#include "harness/runner/test_programs.h"

namespace harness {

// Makes the directory, removes the reports of `programs` that an earlier run has left there, and
// makes sure that new ones can be made. Throws SystemError.
void prepareReports(const std::string& directory, const std::vector<TestProgram>& programs);

// Throws SystemError.
void writeReports(const std::string& directory, run::RunRecord record);

}  // namespace harness
