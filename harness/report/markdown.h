// Writes the summary of a run in Markdown, as a comment on a pull request
// (docs/reference/reports.md): what did not pass, with the first lines of each failure. It is
// bounded, and says what it leaves out.
#pragma once

#include <string>

#include "harness/report/format.h"

namespace harness::report {

// GitHub refuses a comment of 65536 characters, GitLab one of a million.
inline constexpr size_t kMarkdownBytesMax = 60'000;

std::string markdownText(const MergedRuns& merged, const FormatOptions& options);

// Returns a text as code of one line that Markdown does not read, also in a cell of a table.
std::string markdownCode(const std::string& text);

}  // namespace harness::report
