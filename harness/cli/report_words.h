// The words of a command line about reports: their formats, and the runs that they are made of.
#pragma once

#include <string>
#include <vector>

#include "harness/report/merged_runs.h"

namespace harness {

// The page for people, which is no format of one text: it is written by harness/report/html.h.
inline constexpr char kPageFormat[] = "html";
inline constexpr char kPageName[] = "report.html";

std::vector<std::string> reportFormats();

// Says why a word names no format; empty: it does.
std::string reportFormatProblem(const std::string& word);

// Writes the page of runs, whose failed tests are compared with earlier runs (good_runs.h). Throws
// SystemError.
void writePage(const report::MergedRuns& merged, const std::string& path);

// Reads the run that a word means: a directory, an id in ./muster-runs or the beginning of one, or
// "latest". Throws CommandError with kExitNoInput, whose text names those that there are.
run::RunRecord recordedRun(const std::string& word);

}  // namespace harness
