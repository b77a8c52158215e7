// Writes the HTML report of a run: write_report DIRECTORY FILE [SOURCES]. It prints the bytes
// of the file, and exits with the run's status.
#include <cstdio>
#include <filesystem>

#include "harness/report/html.h"
#include "harness/run/results.h"
#include "harness/run/run_record.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s DIRECTORY FILE [SOURCES]\n", argv[0]);
    return 64;
  }
  harness::run::RunRecord run = harness::run::readRun(argv[1]);
  harness::run::RunResult result = harness::run::resultOf(run);
  harness::report::HtmlOptions options;
  if (argc > 3) options.sourceDirectories = {argv[3]};
  harness::report::writeHtml(run, result, options, argv[2]);
  std::printf("%ju\n", static_cast<uintmax_t>(std::filesystem::file_size(argv[2])));
  return result.exitStatus;
}
