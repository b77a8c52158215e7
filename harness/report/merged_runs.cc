#include "harness/report/merged_runs.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "harness/report/run_facts.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Attempt;
using run::Outcome;
using run::RunResult;
using run::TestResult;
using enum support::TestExitStatus;

constexpr size_t kNamedMax = 20;

// One sentence about tests: "2 tests ran nowhere: a/B.c, a/B.d".
void addRemark(std::vector<std::string>& remarks, const std::vector<std::string>& tests,
               const std::string& what) {
  if (tests.empty()) return;
  std::string text = std::to_string(tests.size()) + (tests.size() == 1 ? " test " : " tests ");
  text += what + ": ";
  for (size_t i = 0; i < std::min(tests.size(), kNamedMax); ++i) {
    text += (i == 0 ? "" : ", ") + support::printable(tests[i]);
  }
  if (tests.size() > kNamedMax) {
    text += " and " + std::to_string(tests.size() - kNamedMax) + " more";
  }
  remarks.push_back(text);
}

void shift(Attempt& attempt, int64_t by) {
  if (attempt.begin != run::Item::kNever) attempt.begin += by;
  if (attempt.end != run::Item::kNever) attempt.end += by;
  for (run::Failure& failure : attempt.failures) failure.at += by;
}

std::string inColumn(const Column& column) {
  return column.name.empty() ? "" : " in " + support::printable(column.name);
}

std::vector<Outcome> outcomesOf(const RunResult& result) {
  std::vector<Outcome> outcomes;
  for (const TestResult& test : result.tests) outcomes.push_back(test.outcome);
  return outcomes;
}

Outcome outcomeOfStatus(int status) {
  if (status == kExitFailed) return Outcome::kFailed;
  return status == kExitCancelled ? Outcome::kCancelled : Outcome::kInfrastructure;
}

// What is no test's own is known by the exit status of the run only.
std::optional<Outcome> beyondTestsOf(const RunResult& result) {
  int status = result.exitStatus;
  bool isGreen = status == kExitPassed || status == kExitNothingRan;
  if (isGreen || status == run::exitStatusOf(outcomesOf(result))) return std::nullopt;
  return outcomeOfStatus(status);
}

long numberOf(const std::string& text) {
  char* rest = nullptr;
  long number = std::strtol(text.c_str(), &rest, 10);
  return text.empty() || *rest != '\0' ? -1 : number;
}

// Returns the number of a shard, from 1, and that of all shards. The second is not positive if the
// run is none.
std::pair<long, long> shardOf(const RunFacts& facts) {
  std::string text = facts.property(kShard);
  size_t slash = text.find('/');
  if (slash != std::string::npos) {
    return {numberOf(text.substr(0, slash)), numberOf(text.substr(slash + 1))};
  }
  long index = numberOf(facts.property("GTEST_SHARD_INDEX"));
  return {index + 1, index < 0 ? 0 : numberOf(facts.property("GTEST_TOTAL_SHARDS"))};
}

class Merger {
 public:
  Merger(std::vector<run::RunRecord> runs, const std::string& columnProperty) {
    merged_.runs = std::move(runs);
    merged_.wall = merged_.runs.front().wall;
    for (const run::RunRecord& run : merged_.runs) merged_.wall = std::min(merged_.wall, run.wall);
    for (size_t i = 0; i < merged_.runs.size(); ++i) {
      facts_.push_back(factsOf(merged_.runs[i]));
      addRun(i, columnOf(facts_[i].property(columnProperty)));
    }
  }

  MergedRuns merge() {
    for (Column& column : merged_.columns) finish(column);
    compareColumns();
    judge();
    return std::move(merged_);
  }

 private:
  Column& columnOf(const std::string& name) {
    for (Column& column : merged_.columns) {
      if (column.name == name) return column;
    }
    merged_.columns.push_back({.name = name});
    return merged_.columns.back();
  }

  void addRun(size_t place, Column& column) {
    RunResult result = run::resultOf(merged_.runs[place]);
    int64_t by = merged_.shiftOf(place);
    beyondTests_.push_back(beyondTestsOf(result));
    merged_.ends.push_back(
        {.length = result.length, .exitStatus = result.exitStatus, .isWhole = result.isWhole});
    column.runs.push_back(place);
    for (TestResult& test : result.tests) {
      for (Attempt& attempt : test.attempts) shift(attempt, by);
      addTest(column, place, std::move(test));
    }
    for (run::Failure& failure : result.failures) {
      failure.at += by;
      column.result.failures.push_back(std::move(failure));
    }
    column.result.isWhole = column.result.isWhole && result.isWhole;
    column.result.isRunning = column.result.isRunning || result.isRunning;
    column.result.length = std::max(column.result.length, result.length + by);
  }

  void addTest(Column& column, size_t place, TestResult test) {
    std::string id = test.id();
    // What "not run" means depends on the other runs of the column.
    seen_[{column.name, id}].emplace_back(place, test.outcome);
    auto [found, isNew] = places_.try_emplace({column.name, id}, column.result.tests.size());
    std::vector<size_t> runs(test.attempts.size(), place);
    if (isNew) {
      column.result.tests.push_back(std::move(test));
      column.runOfAttempt.push_back(std::move(runs));
      return;
    }
    TestResult& all = column.result.tests[found->second];
    if (worseOf(test.outcome, all.outcome) != all.outcome) {
      all.outcome = test.outcome;
      all.because = test.because;
    }
    for (Attempt& attempt : test.attempts) all.attempts.push_back(std::move(attempt));
    std::vector<size_t>& allRuns = column.runOfAttempt[found->second];
    allRuns.insert(allRuns.end(), runs.begin(), runs.end());
  }

  // Says what does not fit together in one column.
  void finish(Column& column) {
    std::vector<std::string> nowhere;
    std::vector<std::string> different;
    for (const TestResult& test : column.result.tests) {
      const auto& outcomes = seen_[{column.name, test.id()}];
      auto isNotRun = [](const auto& one) { return one.second == Outcome::kNotRun; };
      if (std::all_of(outcomes.begin(), outcomes.end(), isNotRun)) nowhere.push_back(test.id());
      auto differs = [&](const auto& one) { return one.second != outcomes.front().second; };
      if (std::any_of(outcomes.begin(), outcomes.end(), differs)) {
        different.push_back(test.id() + " (" + listOf(outcomes) + ")");
      }
    }
    if (merged_.runs.size() == 1) return;
    addRemark(merged_.remarks, nowhere, "ran nowhere" + inColumn(column));
    addRemark(merged_.remarks, different, "differed" + inColumn(column) + "; the worse counts");
    findShards(column);
  }

  std::string listOf(const std::vector<std::pair<size_t, Outcome>>& outcomes) const {
    std::string text;
    for (const auto& [place, outcome] : outcomes) {
      text += (text.empty() ? "" : ", ") + std::string(wordOf(outcome)) + " in " +
              merged_.runs[place].id;
    }
    return text;
  }

  // Shards that name themselves show which others there must be.
  void findShards(const Column& column) {
    std::map<long, std::set<long>> present;
    for (size_t place : column.runs) {
      auto [index, total] = shardOf(facts_[place]);
      if (total > 0) present[total].insert(index);
    }
    for (const auto& [total, indices] : present) {
      std::string missing;
      size_t count = 0;
      for (long i = 1; i <= total; ++i) {
        if (indices.count(i) != 0) continue;
        if (++count <= kNamedMax) missing += (missing.empty() ? "" : ", ") + std::to_string(i);
      }
      if (count == 0) continue;
      if (count > kNamedMax) missing += " and " + std::to_string(count - kNamedMax) + " more";
      merged_.remarks.push_back("shard " + missing + " of " + std::to_string(total) +
                                " is missing" + inColumn(column));
      incomplete_.insert(column.name);
    }
  }

  void compareColumns() {
    if (merged_.columns.size() == 1) return;
    std::set<std::string> all;
    for (const auto& [key, place] : places_) all.insert(key.second);
    for (const Column& column : merged_.columns) {
      std::vector<std::string> lacking;
      for (const std::string& id : all) {
        if (places_.count({column.name, id}) == 0) lacking.push_back(id);
      }
      std::string where =
          column.name.empty() ? "runs without one" : support::printable(column.name);
      addRemark(merged_.remarks, lacking, "of other columns missing in " + where);
    }
  }

  void judge() {
    std::vector<Outcome> all;
    for (Column& column : merged_.columns) {
      std::vector<Outcome> outcomes = outcomesOf(column.result);
      for (size_t place : column.runs) {
        if (beyondTests_[place]) outcomes.push_back(*beyondTests_[place]);
      }
      if (incomplete_.count(column.name) != 0) outcomes.push_back(Outcome::kNotRun);
      column.result.exitStatus = run::exitStatusOf(outcomes);
      all.insert(all.end(), outcomes.begin(), outcomes.end());
    }
    merged_.exitStatus = run::exitStatusOf(all);
  }

  using Key = std::pair<std::string, std::string>;

  MergedRuns merged_;
  std::vector<RunFacts> facts_;
  // For each run, an outcome for what gave it an exit status that its tests do not have.
  std::vector<std::optional<Outcome>> beyondTests_;
  // The place of a test in its column, by the column's name and the test's id.
  std::map<Key, size_t> places_;
  std::map<Key, std::vector<std::pair<size_t, Outcome>>> seen_;
  // The names of columns that lack a shard.
  std::set<std::string> incomplete_;
};

bool isGreen(const Column& column, const std::vector<OutsideProblem>& problems) {
  const std::vector<TestResult>& tests = column.result.tests;
  return problems.empty() && std::all_of(tests.begin(), tests.end(), [](const TestResult& test) {
           return run::isGreen(test.outcome);
         });
}

}  // namespace

size_t MergedRuns::count(Outcome outcome) const {
  size_t all = 0;
  for (const Column& column : columns) all += column.result.count(outcome);
  return all;
}

MergedRuns mergeRuns(std::vector<run::RunRecord> runs, const std::string& columnProperty) {
  return Merger(std::move(runs), columnProperty).merge();
}

std::vector<OutsideProblem> outsideProblemsOf(const MergedRuns& merged, const Column& column) {
  std::vector<OutsideProblem> problems;
  for (const run::Failure& failure : column.result.failures) {
    problems.push_back(
        {.name = "set-up and tear-down",
         .outcome = failure.isInfrastructure ? Outcome::kInfrastructure : Outcome::kFailed,
         .text = textOf(failure)});
  }
  for (size_t place : column.runs) {
    const run::RunRecord& run = merged.runs[place];
    if (run.isRunning) {
      problems.push_back({.name = "run",
                          .outcome = Outcome::kNotRun,
                          .text = "the run " + run.id + " goes on: this is what it was until now"});
    }
    for (const std::string& problem : run.problems) {
      problems.push_back({.name = "record", .outcome = Outcome::kInfrastructure, .text = problem});
    }
  }
  int status = column.result.exitStatus;
  bool isRed = status != kExitPassed && status != kExitNothingRan;
  if (isRed && isGreen(column, problems)) {
    std::string why;
    for (const std::string& remark : merged.remarks) why += "; " + remark;
    problems.push_back({.name = "run",
                        .outcome = outcomeOfStatus(status),
                        .text = "the run has the exit status " + std::to_string(status) + why});
  }
  return problems;
}

}  // namespace harness::report
