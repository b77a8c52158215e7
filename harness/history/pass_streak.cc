#include "harness/history/pass_streak.h"

#include "harness/history/verdict.h"

namespace harness::history {
namespace {

// Runs are numbered as they are read, so that the highest numbers are the newest.
constexpr char kResults[] =
    "SELECT outcome, attempts FROM results JOIN tests USING (test) WHERE tests.id = ?"
    " ORDER BY results.run DESC LIMIT 1000";

}  // namespace

std::map<std::string, int> passesInARow(Database& database, const std::vector<std::string>& tests) {
  std::map<std::string, int> streaks;
  Statement statement(database, kResults);
  for (const std::string& test : tests) {
    statement.bind(1, test);
    int passes = 0;
    while (statement.step()) {
      auto outcome = run::outcomeOf(statement.text(0)).value_or(run::Outcome::kNotRun);
      Verdict verdict = verdictOf(outcome);
      if (verdict == Verdict::kNone) continue;
      if (verdict == Verdict::kFail || outcome == run::Outcome::kFlaky) break;
      passes += static_cast<int>(statement.number(1));
    }
    statement.reset();
    if (passes > 0) streaks[test] = passes;
  }
  return streaks;
}

}  // namespace harness::history
