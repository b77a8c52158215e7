#include "harness/cli/history_words.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <sstream>

#include "harness/cli/hold_words.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using history::Verdict;

constexpr size_t kNamesMost = 10;
constexpr size_t kSampleLinesMost = 8;
constexpr size_t kRevisionLetters = 12;

// Failures first, since they are what is looked for.
constexpr std::array<std::string_view, 11> kWorstFirst = {
    "crashed",   "failed",  "timed out", "polluted", "infrastructure",
    "cancelled", "not run", "waived",    "flaky",    "unexpectedly passed",
    "skipped"};

std::string pinText(const history::RunRow& row) {
  if (!row.pin) return "";
  return row.pin->empty() ? "pinned" : "pinned: " + *row.pin;
}

std::string stateText(const history::RunRow& row, const std::string& held) {
  std::string text = held.empty() ? std::string(history::wordOf(row.state)) : held;
  std::string pin = pinText(row);
  return pin.empty() ? text : text + ", " + pin;
}

// One line, short enough for a table.
std::string brief(const std::string& text) {
  constexpr size_t kBytesMost = 60;
  std::string line(text.substr(0, text.find('\n')));
  std::string cut(support::beginningOf(line, kBytesMost));
  return cut.size() < text.size() ? cut + "…" : cut;
}

std::string namesText(const std::vector<std::string>& names, const char* indent) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kNamesMost); ++i) {
    text += indent + support::printable(names[i]) + "\n";
  }
  if (names.size() > kNamesMost) {
    text += std::string(indent) + "and " + std::to_string(names.size() - kNamesMost) + " more\n";
  }
  return text;
}

std::string countsText(const TestHistory& history) {
  std::map<std::string, size_t> counts;
  for (const history::ResultRow& row : history.rows) {
    ++counts[std::string(run::wordOf(row.outcome))];
  }
  size_t passed = counts["passed"];
  std::string others = othersText(counts);
  return std::to_string(history.rows.size()) + " runs: " + std::to_string(passed) + " passed" +
         (others.empty() ? "" : ", " + others);
}

// A change lies between the last run that surely has the old rate and the first that surely has
// the new one. Both are among the runs with a verdict, which the places count.
struct Between {
  std::string last;
  std::string first;
  std::string likeliest;
};

std::vector<const history::ResultRow*> judged(const TestHistory& history) {
  std::vector<const history::ResultRow*> rows;
  for (const history::ResultRow& row : history.rows) {
    if (history::verdictOf(row.outcome) != Verdict::kNone) rows.push_back(&row);
  }
  return rows;
}

Between betweenOf(const TestHistory& history, const history::ChangePoint& change) {
  auto rows = judged(history);
  return {rows[change.first - 1]->run, rows[change.last]->run, rows[change.likeliest]->run};
}

std::vector<const history::ResultRow*> passes(const TestHistory& history) {
  std::vector<const history::ResultRow*> rows;
  for (const history::ResultRow& row : history.rows) {
    if (row.outcome == run::Outcome::kPassed) rows.push_back(&row);
  }
  return rows;
}

std::string changesText(const TestHistory& history) {
  std::string text;
  for (const history::ChangePoint& change : history.changes) {
    Between between = betweenOf(history, change);
    text += std::string("fails ") + (change.after > change.before ? "more" : "less") +
            " often: " + percentText(change.before) + " of runs before, " +
            percentText(change.after) + " after; began between run " + between.last + " and run " +
            between.first + " (99 %)\n";
  }
  if (history.duration) {
    const history::DurationChange& change = *history.duration;
    text += std::string("takes ") + (change.after > change.before ? "longer" : "less time") +
            " since run " + passes(history)[change.at]->run + ": median " +
            secondsText(change.before) + " before, " + secondsText(change.after) + " after\n";
  }
  if (!history.goneSince.empty()) text += "gone since run " + history.goneSince + "\n";
  return text;
}

std::string flakesText(const history::Rate& rate) {
  return "flaky: " + std::to_string(rate.hits) + " of " + std::to_string(rate.runs) + " runs, " +
         percentText(rate.share()) + " (95 %: " + percentText(rate.low) + " to " +
         percentText(rate.high) + ")\n";
}

size_t firstShown(const TestHistory& history, size_t newest) {
  size_t all = history.rows.size();
  return newest == 0 || newest > all ? 0 : all - newest;
}

}  // namespace

std::string utcText(int64_t realtimeNs) {
  std::time_t seconds = static_cast<std::time_t>(realtimeNs / 1'000'000'000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &utc);
  return text;
}

std::string secondsText(double seconds) {
  auto length = std::chrono::duration<double>(seconds);
  return durationText(std::chrono::duration_cast<std::chrono::nanoseconds>(length));
}

std::string percentText(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string revisionText(const std::string& revision, WorkTree workTree) {
  std::string text = revision.substr(0, kRevisionLetters);
  bool isDirty = workTree == WorkTree::kDirty;
  return isDirty && !text.empty() ? text + ", dirty" : text;
}

std::string othersText(const std::map<std::string, size_t>& counts) {
  std::string text;
  for (std::string_view word : kWorstFirst) {
    auto found = counts.find(std::string(word));
    if (found == counts.end()) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(found->second) + " " + found->first;
  }
  return text;
}

Json runJson(const history::RunRow& row, const HeldRuns& held) {
  Json holds = Json::array();
  if (auto found = held.find(row.id); found != held.end()) {
    for (const run::Hold& hold : found->second) {
      holds.push_back({{"test", hold.test}, {"until_realtime_ns", hold.until}});
    }
  }
  Json counts = Json::object();
  for (const auto& [outcome, tests] : row.counts) counts[outcome] = tests;
  return {{"run", row.id},
          {"began_realtime_ns", row.began},
          {"seconds", row.seconds},
          {"state", history::wordOf(row.state)},
          {"problem", row.problem},
          {"exit", row.exitStatus},
          {"tests", row.tests},
          {"counts", std::move(counts)},
          {"revision", row.revision},
          {"branch", row.branch},
          {"dirty", row.isDirty},
          {"product", row.product},
          {"command", row.command},
          {"pinned", row.pin ? Json(*row.pin) : Json(nullptr)},
          {"held", std::move(holds)}};
}

std::string runTable(const std::vector<history::RunRow>& rows, const HeldRuns& held) {
  std::vector<std::vector<std::string>> cells = {
      {"RUN", "BEGAN", "LENGTH", "STATE", "EXIT", "TESTS", "NOT PASSED", "REVISION"}};
  for (const history::RunRow& row : rows) {
    bool isRunning = row.state == history::RunState::kRunning;
    auto holds = held.find(row.id);
    cells.push_back(
        {row.id, utcText(row.began), secondsText(row.seconds),
         stateText(row, holds == held.end() ? "" : heldText(holds->second)),
         isRunning ? "" : std::to_string(row.exitStatus), std::to_string(row.tests),
         othersText(row.counts),
         revisionText(row.revision, row.isDirty ? WorkTree::kDirty : WorkTree::kClean)});
  }
  return table(cells);
}

TestHistory historyOf(history::Database& database, const std::string& test) {
  TestHistory history{.test = test, .rows = history::resultsOf(database, test)};
  std::vector<run::Outcome> outcomes;
  std::vector<history::VersionedResult> results;
  for (const history::ResultRow& row : history.rows) {
    outcomes.push_back(row.outcome);
    results.push_back({.version = row.version,
                       .verdict = history::verdictOf(row.outcome),
                       .isMixed = row.isMixed || row.outcome == run::Outcome::kFlaky});
  }
  history.transitions = history::transitionsOf(outcomes);
  history.flakes = history::flakeRateOf(results);
  std::vector<bool> failures;
  for (const auto* row : judged(history)) {
    failures.push_back(history::verdictOf(row->outcome) == Verdict::kFail);
  }
  history.changes = history::changePointsOf(failures);
  std::vector<double> seconds;
  for (const auto* row : passes(history)) seconds.push_back(row->seconds);
  history.duration = history::durationChangeOf(seconds);
  std::vector<history::PresentRun> runs = history::presenceOf(database, test);
  std::vector<history::Presence> presence;
  for (const history::PresentRun& run : runs) presence.push_back(run.presence);
  if (auto gone = history::goneSince(presence)) history.goneSince = runs[*gone].run;
  return history;
}

std::string historyText(const TestHistory& history, size_t newest) {
  std::string text = history.test + "\n" + countsText(history) + "\n" + flakesText(history.flakes) +
                     changesText(history) + "\n";
  std::vector<std::vector<std::string>> cells = {
      {"RUN", "BEGAN", "OUTCOME", "CHANGE", "LENGTH", "ATTEMPTS", "REVISION", "FAILURE"}};
  size_t first = firstShown(history, newest);
  for (size_t i = history.rows.size(); i > first; --i) {
    const history::ResultRow& row = history.rows[i - 1];
    std::string failure = row.failure.empty() ? row.because : row.failure;
    cells.push_back({row.run, utcText(row.began), std::string(run::wordOf(row.outcome)),
                     std::string(history::wordOf(history.transitions[i - 1])),
                     secondsText(row.seconds), std::to_string(row.attempts),
                     revisionText(row.revision, row.isDirty ? WorkTree::kDirty : WorkTree::kClean),
                     brief(failure)});
  }
  return text + table(cells);
}

Json historyJson(const TestHistory& history, size_t newest) {
  Json runs = Json::array();
  for (size_t i = history.rows.size(); i > firstShown(history, newest); --i) {
    const history::ResultRow& row = history.rows[i - 1];
    runs.push_back({{"run", row.run},
                    {"began_realtime_ns", row.began},
                    {"outcome", run::wordOf(row.outcome)},
                    {"transition", history::wordOf(history.transitions[i - 1])},
                    {"because", row.because},
                    {"seconds", row.seconds},
                    {"attempts", row.attempts},
                    {"revision", row.revision},
                    {"dirty", row.isDirty},
                    {"failure", row.failure},
                    {"place", row.place}});
  }
  Json changes = Json::array();
  for (const history::ChangePoint& change : history.changes) {
    Between between = betweenOf(history, change);
    changes.push_back({{"before", change.before},
                       {"after", change.after},
                       {"last_run_before", between.last},
                       {"first_run_after", between.first},
                       {"likeliest", between.likeliest}});
  }
  Json duration = nullptr;
  if (history.duration) {
    duration = {{"run", passes(history)[history.duration->at]->run},
                {"median_seconds_before", history.duration->before},
                {"median_seconds_after", history.duration->after},
                {"p", history.duration->probability}};
  }
  const history::Rate& flakes = history.flakes;
  return {{"test", history.test},
          {"flaky",
           {{"runs", flakes.hits},
            {"of", flakes.runs},
            {"share", flakes.share()},
            {"low", flakes.low},
            {"high", flakes.high}}},
          {"changes", std::move(changes)},
          {"duration_change", std::move(duration)},
          {"gone_since", history.goneSince.empty() ? Json(nullptr) : Json(history.goneSince)},
          {"runs", std::move(runs)}};
}

std::string indented(const std::string& text, size_t blanks, size_t linesMost) {
  std::istringstream lines(text);
  std::string result;
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    if (count == linesMost) return result + std::string(blanks, ' ') + "…\n";
    result += std::string(blanks, ' ') + support::printable(line) + "\n";
  }
  return result;
}

std::string clustersText(const std::vector<history::FailureCluster>& clusters) {
  std::string text;
  for (const history::FailureCluster& cluster : clusters) {
    text += std::to_string(cluster.tests.size()) + (cluster.tests.size() == 1 ? " test" : " tests");
    if (cluster.runs.size() > 1) text += " in " + std::to_string(cluster.runs.size()) + " runs";
    if (!cluster.place.empty()) text += " at " + support::printable(cluster.place);
    text += ":\n" + indented(cluster.sample, 4, kSampleLinesMost) + namesText(cluster.tests, "  ");
    if (cluster.runs.size() > 1) {
      text +=
          "  first in run " + cluster.runs.front() + ", last in run " + cluster.runs.back() + "\n";
    }
  }
  return text;
}

Json clustersJson(const std::vector<history::FailureCluster>& clusters) {
  Json list = Json::array();
  for (const history::FailureCluster& cluster : clusters) {
    list.push_back({{"text", cluster.text},
                    {"place", cluster.place},
                    {"sample", cluster.sample},
                    {"failures", cluster.count},
                    {"tests", cluster.tests},
                    {"runs", cluster.runs}});
  }
  return list;
}

}  // namespace harness
