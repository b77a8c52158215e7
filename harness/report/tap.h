// Writes a run in the Test Anything Protocol, so that readers of TAP 13 and 14 take it
// (docs/reference/reports.md): a line for each test, and a YAML block with what is known of one
// that is not simply passed.
#pragma once

#include <string>

#include "harness/report/format.h"

namespace harness::report {

std::string tapText(const MergedRuns& merged, const FormatOptions& options);

}  // namespace harness::report
