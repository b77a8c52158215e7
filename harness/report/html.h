// Writes the report of a run, or of several together, as one HTML file that needs nothing else: it
// opens without a network and without a server (docs/reference/reports.md). It judges nothing.
//
//   MergedRuns merged = mergeRuns({run::readRun("muster-runs/latest")});
//   writeHtml(merged, {}, "muster-runs/latest/report.html");
//
// A record that is cut or damaged has a report, too, which says what is missing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/report/log_patterns.h"
#include "harness/report/merged_runs.h"

namespace harness::report {

struct HtmlOptions {
  // Directories below which sources are looked for (html_sources.h), besides those in which the
  // runs were started. The report shows the lines around a failure.
  std::vector<std::string> sourceDirectories = {"."};

  // Says what the logs of a test have beyond those of a run in which it was green, for a test that
  // is not green. `run` is a place in MergedRuns::runs. Null: the report shows no such lines.
  using FindNewLines =
      std::function<std::optional<NewLines>(size_t run, const run::TestResult& test)>;
  FindNewLines newLines = {};

  // The most that one artifact, and all of them, may have to be part of the report. Others are
  // linked, and the report says why.
  size_t artifactBytesMax = 64 * 1024;
  size_t artifactsBytesMax = 25 * 1024 * 1024;
};

// Replaces the file as a whole, or leaves what was there. Throws SystemError if it cannot be
// written.
void writeHtml(const MergedRuns& merged, const HtmlOptions& options, const std::string& path);

}  // namespace harness::report
