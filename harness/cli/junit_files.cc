#include "harness/cli/junit_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "harness/report/junit.h"
#include "harness/report/merged_runs.h"

namespace harness {

void prepareReports(const std::string& directory, const std::vector<TestProgram>& programs) {
  makeDirectories(directory);
  for (const TestProgram& program : programs) {
    std::string path = directory + "/" + program.component + ".xml";
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) failSystem("remove " + path + " of an earlier run", error.value());
  }
  // Root may write where nobody can, so that only trying tells.
  std::string probe = directory + "/.muster-XXXXXX";
  Fd file(::mkostemp(probe.data(), O_CLOEXEC));
  check(file.get(), "make a report in " + directory);
  ::unlink(probe.c_str());
}

void writeReports(const std::string& directory, run::RunRecord record) {
  std::vector<run::RunRecord> runs;
  runs.push_back(std::move(record));
  report::MergedRuns merged = report::mergeRuns(std::move(runs));
  const report::Column all = merged.columns.front();
  std::set<std::string> components;
  for (const run::TestResult& test : all.result.tests) components.insert(test.component);
  for (const std::string& component : components) {
    report::Column& column = merged.columns.front();
    column.result.tests.clear();
    column.runOfAttempt.clear();
    for (size_t i = 0; i < all.result.tests.size(); ++i) {
      if (all.result.tests[i].component != component) continue;
      column.result.tests.push_back(all.result.tests[i]);
      column.runOfAttempt.push_back(all.runOfAttempt[i]);
    }
    putFile(directory + "/" + component + ".xml", report::junitText(merged, {.base = directory}),
            0644);
  }
}

}  // namespace harness
