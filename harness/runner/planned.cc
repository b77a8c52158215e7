#include "harness/runner/planned.h"

#include "harness/os/files.h"

namespace harness::runner {

std::vector<std::vector<PlannedTest>> processesOf(const PlannedProgram& program,
                                                  ProcessFor processFor) {
  std::vector<std::vector<PlannedTest>> processes;
  for (const PlannedTest& test : program.tests) {
    bool isNew =
        processes.empty() || processFor == ProcessFor::kCase ||
        (processFor == ProcessFor::kSuite && processes.back().front().suite() != test.suite());
    if (isNew) processes.emplace_back();
    processes.back().push_back(test);
  }
  return processes;
}

size_t countProcesses(const std::vector<PlannedProgram>& programs, ProcessFor processFor,
                      int repeats) {
  size_t count = 0;
  for (const PlannedProgram& program : programs) count += processesOf(program, processFor).size();
  return count * static_cast<size_t>(repeats);
}

std::string writeFilter(const std::string& record, const std::vector<PlannedTest>& tests) {
  std::string filter;
  for (const PlannedTest& test : tests) filter += (filter.empty() ? "" : ":") + test.name;
  std::string path = record + ".flags";
  putFile(path, "--gtest_filter=" + filter + "\n", 0644);
  return path;
}

}  // namespace harness::runner
