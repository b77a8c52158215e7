#include "harness/cli/report_words.h"

#include "harness/cli/command_error.h"
#include "harness/cli/good_runs.h"
#include "harness/os/error.h"
#include "harness/report/format.h"
#include "harness/report/html.h"
#include "harness/run/run_directory.h"
#include "schema/support/base/suggestion.h"

namespace harness {

std::vector<std::string> reportFormats() {
  std::vector<std::string> names = {kPageFormat};
  for (const report::Format& format : report::formats()) names.emplace_back(format.name);
  return names;
}

std::string reportFormatProblem(const std::string& word) {
  if (word == kPageFormat || report::findFormat(word) != nullptr) return "";
  std::string names;
  for (const std::string& name : reportFormats()) names += (names.empty() ? "" : ", ") + name;
  return "is no format of reports" + support::suggestion(word, reportFormats()) +
         "; there are: " + names;
}

void writePage(const report::MergedRuns& merged, const std::string& path) {
  std::vector<GoodRuns> goodRuns(merged.runs.begin(), merged.runs.end());
  report::HtmlOptions options;
  options.newLines = [&](size_t run, const run::TestResult& test) {
    return goodRuns[run].newLinesOf(test);
  };
  report::writeHtml(merged, options, path);
}

run::RunRecord recordedRun(const std::string& word) {
  try {
    return run::readRun(run::findRun(word));
  } catch (const SystemError& error) {
    throw CommandError(kExitNoInput, error.what());
  }
}

}  // namespace harness
