// Writes the report of a run as one HTML file that needs nothing else: it opens without a network
// and without a server (docs/reference/reports.md). It judges nothing.
//
//   run::RunRecord run = run::readRun("muster-runs/latest");
//   writeHtml(run, run::resultOf(run), {}, "muster-runs/latest/report.html");
//
// A record that is cut or damaged has a report, too, which says what is missing.
#pragma once

#include <string>
#include <vector>

#include "harness/run/results.h"
#include "harness/run/run_record.h"

namespace harness::report {

struct HtmlOptions {
  // Directories in which sources are looked for that the record names by a relative path. The
  // report shows the lines around a failure.
  std::vector<std::string> sourceDirectories = {"."};

  // The most that one artifact, and all of them, may have to be part of the report. Others are
  // linked, and the report says why.
  size_t artifactBytesMax = 64 * 1024;
  size_t artifactsBytesMax = 25 * 1024 * 1024;
};

// Replaces the file as a whole, or leaves what was there. Throws SystemError if it cannot be
// written.
void writeHtml(const run::RunRecord& run, const run::RunResult& result, const HtmlOptions& options,
               const std::string& path);

}  // namespace harness::report
