#include "harness/verdict/probation.h"

#include <algorithm>

namespace harness::verdict {
namespace {

using run::Outcome;

bool isAbout(const Probation& probation, const std::string& test) {
  return std::any_of(probation.tests.begin(), probation.tests.end(),
                     [&](const std::string& pattern) { return matches(pattern, test); });
}

bool isExcused(Outcome outcome) {
  return outcome == Outcome::kFailed || outcome == Outcome::kCrashed ||
         outcome == Outcome::kTimedOut || outcome == Outcome::kPolluted;
}

size_t passesOf(const run::TestResult& test) {
  return static_cast<size_t>(std::count_if(
      test.attempts.begin(), test.attempts.end(),
      [](const run::Attempt& attempt) { return attempt.outcome == Outcome::kPassed; }));
}

}  // namespace

ProbationPlan planProbation(const std::vector<Probation>& probations,
                            const std::vector<std::string>& tests,
                            const std::map<std::string, int>& passesBefore, int passes,
                            const std::string& today) {
  ProbationPlan plan;
  for (const Probation& probation : probations) {
    if (probation.expires < today) {
      plan.notes.push_back("probation " + probation.place + " expired on " + probation.expires +
                           ", and holds no more");
      continue;
    }
    bool isMet = false;
    for (const std::string& test : tests) {
      if (!isAbout(probation, test)) continue;
      isMet = true;
      auto before = passesBefore.find(test);
      int needed = probation.passes > 0 ? probation.passes : passes;
      int missing = needed - (before == passesBefore.end() ? 0 : before->second);
      if (missing > 0) {
        plan.tests.try_emplace(test, OnProbation{missing, probation.owner, probation.expires});
        continue;
      }
      plan.notes.push_back(test + " has passed " + std::to_string(needed) +
                           " times in a row: its probation is over; remove it from " +
                           probation.place);
    }
    if (!isMet) {
      plan.notes.push_back("probation " + probation.place + " meets no test of this run");
    }
  }
  return plan;
}

Waived judgeProbation(const TestsOnProbation& tests, const run::RunResult& result) {
  Waived judged;
  for (const run::TestResult& test : result.tests) {
    auto found = tests.find(test.id());
    if (found == tests.end()) continue;
    const OnProbation& probation = found->second;
    size_t passes = passesOf(test);
    if (test.outcome == Outcome::kPassed &&
        passes >= static_cast<size_t>(probation.passesMissing)) {
      judged.notes.push_back(test.id() + " has passed its probation");
    }
    if (!isExcused(test.outcome)) continue;
    judged.exonerations.push_back({.test = test.id(),
                                   .kind = "probation",
                                   .because = "on probation until " + probation.expires + " (" +
                                              probation.owner + "): it passed " +
                                              std::to_string(passes) + " of " +
                                              std::to_string(test.attempts.size()) + " times",
                                   .owner = probation.owner});
  }
  return judged;
}

}  // namespace harness::verdict
