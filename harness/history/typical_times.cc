#include "harness/history/typical_times.h"

#include <algorithm>

namespace harness::history {
namespace {

// One slow run in between does not move the median of this number, and it forgets soon.
constexpr int64_t kPassesMost = 9;

// Runs are numbered as they are read, so that the highest numbers are the newest: their order by
// time would need every row of the test.
constexpr char kPasses[] =
    "SELECT results.seconds FROM results JOIN tests USING (test)"
    " WHERE tests.id = ? AND outcome IN ('passed', 'flaky', 'unexpectedly passed')"
    " ORDER BY results.run DESC LIMIT ?";

double medianOf(std::vector<double> values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::map<std::string, double> typicalSeconds(Database& database,
                                             const std::vector<std::string>& tests) {
  std::map<std::string, double> typical;
  Statement statement(database, kPasses);
  for (const std::string& test : tests) {
    statement.bind(1, test);
    statement.bind(2, kPassesMost);
    std::vector<double> passes;
    while (statement.step()) passes.push_back(statement.real(0));
    statement.reset();
    if (!passes.empty()) typical[test] = medianOf(std::move(passes));
  }
  return typical;
}

}  // namespace harness::history
