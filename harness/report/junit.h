// Writes a run as JUnit XML that Jenkins and GitLab read (docs/reference/reports.md). There is no
// standard: the elements are those that the schema of Jenkins' xUnit plug-in allows, and attempts
// of a test stand in it as Maven Surefire writes reruns.
#pragma once

#include <string>

#include "harness/report/format.h"

namespace harness::report {

std::string junitText(const MergedRuns& merged, const FormatOptions& options);

}  // namespace harness::report
