// Tells which tests verify which requirement, and what became of them: for traceability
// (docs/reference/reports.md). Only requirements that a test names are known here.
#pragma once

#include <string>

#include "harness/report/format.h"

namespace harness::report {

// A row for each requirement of each test in each column; tests without one have an empty cell.
std::string requirementsCsv(const MergedRuns& merged, const FormatOptions& options);

// A table with a row for each requirement and a column for each topology, then its tests.
std::string requirementsMarkdown(const MergedRuns& merged, const FormatOptions& options);

}  // namespace harness::report
