// Lists the formats of reports that are one text or one file of bytes (docs/reference/reports.md),
// and what may be asked of all of them. The page for people is written by html.h. Files are written
// by the caller.
#pragma once

#include <string>
#include <vector>

#include "harness/report/merged_runs.h"
#include "harness/report/run_facts.h"

namespace harness::report {

struct FormatOptions {
  // The address at which the directory of the run can be read, for links. Empty: there is none, and
  // links are paths.
  std::string url = {};

  // Paths of artifacts are relative to this directory if they are below it, else absolute. Empty:
  // they are all absolute.
  std::string base = {};
};

struct Format {
  // As the command line has it.
  const char* name;
  // The name of its file in a directory of reports.
  const char* fileName;
  // One line for a person to choose by.
  const char* summary;
  std::string (*write)(const MergedRuns& merged, const FormatOptions& options);
  // A terminal can show it.
  bool isText = true;
};

const std::vector<Format>& formats();

// Null: there is no format of this name.
const Format* findFormat(const std::string& name);

// Returns the path of an artifact as a report names it.
std::string pathOf(const RunFacts& run, const Artifact& artifact, const FormatOptions& options);

}  // namespace harness::report
