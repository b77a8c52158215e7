#include "harness/report/run_diff.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "harness/report/run_facts.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Attempt;
using run::Outcome;
using run::RunResult;
using run::TestResult;
using Kind = TestChange::Kind;
using Json = nlohmann::ordered_json;

constexpr Kind kOrder[] = {Kind::kBroken, Kind::kFixed,  Kind::kOutcome, Kind::kNew,
                           Kind::kGone,   Kind::kSlower, Kind::kFaster};

// A failed attempt may end early, so that the time of a test is that of the attempt that decides.
double secondsOf(const TestResult& test) {
  return tellingAttemptOf(test).seconds;
}

std::map<std::string, const TestResult*> testsOf(const RunResult& result) {
  std::map<std::string, const TestResult*> tests;
  for (const TestResult& test : result.tests) tests.emplace(test.id(), &test);
  return tests;
}

std::optional<Kind> kindOf(const TestResult& before, const TestResult& after,
                           const DiffOptions& options) {
  bool wasGreen = run::isGreen(before.outcome);
  bool isGreen = run::isGreen(after.outcome);
  if (wasGreen && !isGreen) return Kind::kBroken;
  if (!wasGreen && isGreen) return Kind::kFixed;
  if (before.outcome != after.outcome) return Kind::kOutcome;
  // What did not pass has no time that could be compared.
  if (!isGreen || after.outcome == Outcome::kSkipped) return std::nullopt;
  double was = secondsOf(before);
  double is = secondsOf(after);
  if (std::abs(is - was) <= options.secondsLeast) return std::nullopt;
  if (is > was * options.factor) return Kind::kSlower;
  if (was > is * options.factor) return Kind::kFaster;
  return std::nullopt;
}

std::string whyOf(const TestResult& test) {
  std::string reason = reasonOf(tellingAttemptOf(test));
  return reason.empty() ? firstLineOf(test.because, 300) : reason;
}

TestChange changeOf(Kind kind, const TestResult* before, const TestResult* after) {
  TestChange change{.kind = kind, .test = (after != nullptr ? after : before)->id()};
  if (before != nullptr) {
    change.before = before->outcome;
    change.secondsBefore = secondsOf(*before);
  }
  if (after != nullptr) {
    change.after = after->outcome;
    change.secondsAfter = secondsOf(*after);
    if (after->outcome != Outcome::kPassed) change.reason = whyOf(*after);
  }
  return change;
}

void compareTests(const RunResult& before, const RunResult& after, const DiffOptions& options,
                  RunDiff& diff) {
  auto earlier = testsOf(before);
  auto later = testsOf(after);
  for (const auto& [id, test] : later) {
    auto found = earlier.find(id);
    if (found == earlier.end()) {
      diff.tests.push_back(changeOf(Kind::kNew, nullptr, test));
    } else if (auto kind = kindOf(*found->second, *test, options)) {
      diff.tests.push_back(changeOf(*kind, found->second, test));
    } else {
      ++diff.unchanged;
    }
  }
  for (const auto& [id, test] : earlier) {
    if (later.count(id) == 0) diff.tests.push_back(changeOf(Kind::kGone, test, nullptr));
  }
  auto rankOf = [](const TestChange& change) {
    return std::find(std::begin(kOrder), std::end(kOrder), change.kind) - std::begin(kOrder);
  };
  std::stable_sort(diff.tests.begin(), diff.tests.end(),
                   [&](const auto& one, const auto& other) { return rankOf(one) < rankOf(other); });
}

void compareLogs(const run::RunRecord& before, const run::RunRecord& after, RunDiff& diff) {
  LogPatterns earlier = logPatternsOf(before);
  LogPatterns later = logPatternsOf(after);
  diff.linesLeftOut = earlier.leftOut + later.leftOut;
  for (auto& [pattern, found] : later.patterns) {
    if (earlier.patterns.count(pattern) == 0) diff.newLines.push_back(std::move(found));
  }
  std::sort(diff.newLines.begin(), diff.newLines.end(), [](const auto& one, const auto& other) {
    return one.count != other.count ? one.count > other.count : one.line < other.line;
  });
}

std::string secondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", seconds);
  return text;
}

std::string lineOf(const TestChange& change) {
  std::string text = "  " + support::printable(change.test);
  if (change.kind == Kind::kSlower || change.kind == Kind::kFaster) {
    return text + ": " + secondsText(change.secondsBefore) + " before, " +
           secondsText(change.secondsAfter) + " now\n";
  }
  text += ": ";
  if (change.before) text += wordOf(*change.before);
  if (change.before && change.after) text += " before, ";
  if (change.after) text += std::string(wordOf(*change.after)) + (change.before ? " now" : "");
  if (!change.reason.empty()) text += "\n      " + change.reason;
  return text + "\n";
}

std::string lineOf(const LogPattern& pattern) {
  std::string where = pattern.node;
  if (!pattern.source.empty()) where += (where.empty() ? "" : " ") + pattern.source;
  return "  " + std::to_string(pattern.count) + "x " + support::printable(where) + ": " +
         support::printable(pattern.line) + "\n";
}

}  // namespace

std::string_view wordOf(Kind kind) {
  switch (kind) {
    case Kind::kNew:
      return "new";
    case Kind::kGone:
      return "gone";
    case Kind::kFixed:
      return "fixed";
    case Kind::kBroken:
      return "broken";
    case Kind::kOutcome:
      return "other outcome";
    case Kind::kSlower:
      return "slower";
    case Kind::kFaster:
      break;
  }
  return "faster";
}

RunDiff diffOf(const run::RunRecord& before, const run::RunRecord& after,
               const DiffOptions& options) {
  RunDiff diff{.before = before.id, .after = after.id};
  compareTests(run::resultOf(before), run::resultOf(after), options, diff);
  compareLogs(before, after, diff);
  return diff;
}

std::string textOf(const RunDiff& diff, const DiffOptions& options) {
  std::string text = "run " + support::printable(diff.after) + ", compared with " +
                     support::printable(diff.before) + "\n";
  for (Kind kind : kOrder) {
    size_t count = 0;
    std::string lines;
    for (const TestChange& change : diff.tests) {
      if (change.kind == kind && ++count <= options.shownMax) lines += lineOf(change);
    }
    if (count == 0) continue;
    text += "\n" + std::string(wordOf(kind)) + ": " + std::to_string(count) + "\n" + lines;
    if (count > options.shownMax) {
      text += "  and " + std::to_string(count - options.shownMax) + " more\n";
    }
  }
  text += "\nunchanged: " + std::to_string(diff.unchanged) + "\n";
  size_t shown = std::min(diff.newLines.size(), options.shownMax);
  if (shown > 0) text += "\nnew log lines: " + std::to_string(diff.newLines.size()) + "\n";
  for (size_t i = 0; i < shown; ++i) text += lineOf(diff.newLines[i]);
  if (diff.newLines.size() > shown) {
    text += "  and " + std::to_string(diff.newLines.size() - shown) + " more\n";
  }
  if (diff.linesLeftOut > 0) {
    text += "\n" + std::to_string(diff.linesLeftOut) +
            " log lines were not compared: there are too many different ones\n";
  }
  return text;
}

Json jsonOf(const RunDiff& diff, const DiffOptions& options) {
  Json json = {{"before", diff.before}, {"after", diff.after}, {"unchanged", diff.unchanged}};
  std::map<Kind, size_t> counts;
  json["counts"] = Json::object();
  json["tests"] = Json::array();
  for (const TestChange& change : diff.tests) {
    if (++counts[change.kind] > options.shownMax) continue;
    Json one = {{"change", wordOf(change.kind)}, {"test", change.test}};
    if (change.before) one["before"] = wordOf(*change.before);
    if (change.after) one["after"] = wordOf(*change.after);
    if (change.before) one["secondsBefore"] = change.secondsBefore;
    if (change.after) one["secondsAfter"] = change.secondsAfter;
    if (!change.reason.empty()) one["reason"] = change.reason;
    json["tests"].push_back(one);
  }
  for (Kind kind : kOrder) json["counts"][std::string(wordOf(kind))] = counts[kind];
  json["newLogLines"] = diff.newLines.size();
  json["linesNotCompared"] = diff.linesLeftOut;
  json["lines"] = Json::array();
  for (size_t i = 0; i < std::min(diff.newLines.size(), options.shownMax); ++i) {
    const LogPattern& line = diff.newLines[i];
    json["lines"].push_back({{"count", line.count},
                             {"node", line.node},
                             {"source", line.source},
                             {"line", support::printable(line.line)}});
  }
  return json;
}

}  // namespace harness::report
