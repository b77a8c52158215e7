// Writes a run as one JSON document with stable fields (docs/reference/reports.md). A field that
// has no value is absent, but for lists and totals.
#pragma once

#include <string>

#include "harness/report/format.h"

namespace harness::report {

// The version of the document: it changes when a field changes its meaning or goes.
inline constexpr int kJsonVersion = 1;

std::string jsonText(const MergedRuns& merged, const FormatOptions& options);

}  // namespace harness::report
