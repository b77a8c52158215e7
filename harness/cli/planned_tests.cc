#include "harness/cli/planned_tests.h"

#include <filesystem>

#include "harness/run/record_writer.h"

namespace harness {
namespace {

// Programs may be made in another directory than that from which people call them.
std::string shownPath(const std::string& file) {
  std::error_code failed;
  auto relative = std::filesystem::relative(file, failed);
  bool isBelow = !failed && !relative.empty() && *relative.begin() != "..";
  return isBelow ? relative.string() : run::sourcePath(file);
}

}  // namespace

runner::PlannedTest plannedOf(const selection::ListedTest& test) {
  run::Json fields = {{"file", shownPath(test.file)}, {"line", test.line}};
  if (!test.labels.empty()) fields["labels"] = test.labels;
  if (!test.owner.empty()) fields["owner"] = test.owner;
  if (!test.requirements.empty()) fields["requirements"] = test.requirements;
  return {.name = test.fullName(), .fields = std::move(fields), .testMax = test.timeLimit};
}

void addTo(std::vector<runner::PlannedProgram>& programs, const selection::ListedTest& test) {
  if (programs.empty() || programs.back().path != test.program) {
    programs.push_back({test.component, test.program, {}});
  }
  programs.back().tests.push_back(plannedOf(test));
}

}  // namespace harness
