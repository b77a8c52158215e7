// Writes the HTML report of runs: write_report FILE SOURCES DIRECTORY... Tests that failed are
// compared with the first of the runs in which they were green. It prints the bytes of the file,
// and exits with the status of the runs.
#include <cstdio>
#include <filesystem>

#include "harness/report/html.h"
#include "harness/run/run_record.h"

namespace {

using harness::report::HtmlOptions;
using harness::report::MergedRuns;
using harness::report::NewLines;

std::optional<NewLines> newLinesOf(const MergedRuns& merged, const harness::run::RunRecord& run,
                                   const harness::run::TestResult& test) {
  using harness::report::Attempts;
  for (const harness::report::Column& column : merged.columns) {
    for (const harness::run::TestResult& other : column.result.tests) {
      if (other.id() != test.id() || !harness::run::isGreen(other.outcome)) continue;
      const harness::run::RunRecord& green = merged.runs[column.runs.front()];
      NewLines found = newLinesOf(logPatternsOf(run, test, Attempts::kNotGreen),
                                  logPatternsOf(green, other, Attempts::kGreen));
      found.comparedWith = column.name;
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s FILE SOURCES DIRECTORY...\n", argv[0]);
    return 64;
  }
  std::vector<harness::run::RunRecord> runs;
  for (int i = 3; i < argc; ++i) runs.push_back(harness::run::readRun(argv[i]));
  harness::report::MergedRuns merged = harness::report::mergeRuns(std::move(runs));
  HtmlOptions options{.sourceDirectories = {argv[2]}};
  options.newLines = [&](size_t run, const harness::run::TestResult& test) {
    return newLinesOf(merged, merged.runs[run], test);
  };
  harness::report::writeHtml(merged, options, argv[1]);
  std::printf("%ju\n", static_cast<uintmax_t>(std::filesystem::file_size(argv[1])));
  return merged.exitStatus;
}
