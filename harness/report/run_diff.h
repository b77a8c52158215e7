// Tells what is different in a run from an earlier one: its tests, how long they took, and log
// lines that the earlier one did not have. Over many runs, history does that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harness/report/log_patterns.h"
#include "harness/run/results.h"

namespace harness::report {

struct DiffOptions {
  // A test is slower or faster if its time has changed by more than this factor, and by more than
  // this many seconds.
  double factor = 2;
  double secondsLeast = 0.5;

  // The number of tests and of log lines that each part shows.
  size_t shownMax = 50;
};

struct TestChange {
  enum class Kind {
    kNew,
    kGone,
    // It was not green and is.
    kFixed,
    // It was green and is not.
    kBroken,
    // Its outcome is another one, and as green as before.
    kOutcome,
    kSlower,
    kFaster,
  };

  Kind kind = Kind::kNew;
  std::string test = {};

  // Absent: the run does not have it.
  std::optional<run::Outcome> before = {};
  std::optional<run::Outcome> after = {};
  double secondsBefore = 0;
  double secondsAfter = 0;

  // Why it has its outcome now, as one line.
  std::string reason = {};
};

// "broken", "new" and so on.
std::string_view wordOf(TestChange::Kind kind);

struct RunDiff {
  std::string before = {};
  std::string after = {};

  // The kinds in the order in which a person wants to see them, the broken ones first.
  std::vector<TestChange> tests = {};
  size_t unchanged = 0;

  // Lines of a pattern that the earlier run does not have, the most frequent first.
  std::vector<LogPattern> newLines = {};

  // Log lines that could not be compared, because one of the runs has too many different ones.
  uint64_t linesLeftOut = 0;
};

RunDiff diffOf(const run::RunRecord& before, const run::RunRecord& after,
               const DiffOptions& options);

// Returns it for a person.
std::string textOf(const RunDiff& diff, const DiffOptions& options);

// Returns it for a program. Lists are as long as those of the text, beside their whole lengths.
nlohmann::ordered_json jsonOf(const RunDiff& diff, const DiffOptions& options);

}  // namespace harness::report
