// Writes a run as CSV (RFC 4180) with a row for each attempt of a test (docs/reference/reports.md).
#pragma once

#include <string>
#include <vector>

#include "harness/report/format.h"

namespace harness::report {

std::string csvText(const MergedRuns& merged, const FormatOptions& options);

// Returns a row with its line end. Texts of nodes stay texts: a spreadsheet would run one that
// begins as a formula, so that it gets an apostrophe before it.
std::string csvRow(const std::vector<std::string>& cells);

}  // namespace harness::report
