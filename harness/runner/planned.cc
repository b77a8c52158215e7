#include "harness/runner/planned.h"

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

}  // namespace harness::runner
