#include "harness/cli/show_words.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "harness/cli/fact_words.h"
#include "harness/cli/good_runs.h"
#include "harness/cli/history_words.h"
#include "harness/history/attempt_events.h"
#include "harness/history/failure_clusters.h"
#include "harness/history/indexed_run.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using run::Outcome;

constexpr size_t kNamesMost = 20;
constexpr size_t kEventsMost = 100;
constexpr size_t kNewLinesMost = 30;
constexpr size_t kFailureLinesMost = 40;
constexpr size_t kTextBytesMost = 160;

bool isFailure(Outcome outcome) {
  return !run::isGreen(outcome) && outcome != Outcome::kNotRun && outcome != Outcome::kCancelled;
}

std::string lengthText(int64_t nanoseconds) {
  return durationText(std::chrono::nanoseconds(std::max<int64_t>(0, nanoseconds)));
}

std::string brief(const std::string& text) {
  std::string_view cut = support::beginningOf(text, kTextBytesMost);
  return support::printable(cut) + (cut.size() < text.size() ? "…" : "");
}

// The first failure of a test, or why it has its outcome.
history::FailureOf failureOf(const ShownRun& run, const run::TestResult& test) {
  history::FailureOf failure{.run = run.name, .test = test.id()};
  const run::Attempt& attempt = test.deciding();
  if (attempt.failures.empty()) {
    failure.text =
        std::string(run::wordOf(test.outcome)) + (test.because.empty() ? "" : ": " + test.because);
    return failure;
  }
  const run::Failure& first = attempt.failures.front();
  failure.text = first.text;
  failure.file = first.file;
  failure.line = first.line;
  return failure;
}

std::vector<const run::TestResult*> failed(const ShownRun& run) {
  std::vector<const run::TestResult*> tests;
  for (const run::TestResult& test : run.result.tests) {
    if (isFailure(test.outcome)) tests.push_back(&test);
  }
  return tests;
}

std::vector<history::FailureCluster> clusters(const ShownRun& run) {
  std::vector<history::FailureOf> failures;
  for (const run::TestResult* test : failed(run)) failures.push_back(failureOf(run, *test));
  return history::clustersOf(failures);
}

// Tests by outcome and reason: those that were not run, skipped and so on.
using Reasons = std::map<std::pair<std::string, std::string>, std::vector<std::string>>;

Reasons reasonsOf(const ShownRun& run) {
  Reasons reasons;
  for (const run::TestResult& test : run.result.tests) {
    if (isFailure(test.outcome) || test.outcome == Outcome::kPassed) continue;
    reasons[{std::string(run::wordOf(test.outcome)), test.because}].push_back(test.id());
  }
  return reasons;
}

std::string listText(const std::vector<std::string>& names, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) {
    text += "  " + support::printable(names[i]) + "\n";
  }
  size_t more = names.size() - std::min(names.size(), most);
  return text + (more > 0 ? "  and " + std::to_string(more) + " more\n" : "");
}

std::map<std::string, size_t> countsOf(const run::RunResult& result) {
  std::map<std::string, size_t> counts;
  for (const run::TestResult& test : result.tests) ++counts[std::string(run::wordOf(test.outcome))];
  return counts;
}

std::string stateOf(const ShownRun& run) {
  if (run.result.isRunning) return "running";
  return run.result.isWhole ? "ended" : "damaged";
}

std::string headText(const ShownRun& run) {
  history::IndexedRun known = history::indexedRun(run.record.directory);
  std::map<std::string, size_t> counts = countsOf(run.result);
  std::string others = othersText(counts);
  std::string text = "run " + run.name + ": " + stateOf(run);
  if (!run.result.isRunning) text += ", exit status " + std::to_string(run.result.exitStatus);
  text += "\nbegan " + utcText(run.record.wall) + ", " + lengthText(run.result.length);
  if (!known.host.empty()) text += ", on " + known.host;
  text += "\n";
  if (!known.command.empty()) text += "command: " + support::printable(known.command) + "\n";
  if (!known.revision.empty()) {
    text += "git: " +
            revisionText(known.revision, known.isDirty ? WorkTree::kDirty : WorkTree::kClean) +
            (known.branch.empty() ? "" : " (" + known.branch + ")") + "\n";
  }
  if (!known.product.empty()) text += "product: " + brief(known.product) + "\n";
  if (auto pin = history::pinOf(run.record.directory)) {
    text += "pinned" + (pin->empty() ? "" : ": " + support::printable(*pin)) + "\n";
  }
  text += std::to_string(run.result.tests.size()) + " tests: " + std::to_string(counts["passed"]) +
          " passed" + (others.empty() ? "" : ", " + others) + "\n";
  for (const std::string& problem : run.record.problems) {
    text += "damaged: " + support::printable(problem) + "\n";
  }
  return text;
}

std::string failureText(const run::Failure& failure) {
  std::string place = history::placeText(failure.file, failure.line);
  return "  " + (place.empty() ? "failure" : support::printable(place)) +
         (failure.isInfrastructure ? " (infrastructure)" : "") + ":\n" +
         indented(failure.text, 4, kFailureLinesMost);
}

std::string artifactsText(const std::string& directory,
                          const std::vector<history::Artifact>& artifacts) {
  std::vector<std::string> names;
  for (const history::Artifact& artifact : artifacts) {
    std::string path = (std::filesystem::path(directory) / artifact.path).string();
    names.push_back(
        path + (artifact.bytes < 0 ? "" : "  " + sizeText(static_cast<uint64_t>(artifact.bytes))));
  }
  return names.empty() ? "" : "artifacts:\n" + listText(names, kNamesMost);
}

std::string eventText(const history::Event& event) {
  std::string time = event.begin < 0 ? "" : lengthText(event.begin);
  time.resize(std::max<size_t>(time.size(), 10), ' ');
  std::string text = "  " + time + std::string(2 * static_cast<size_t>(event.depth), ' ');
  text += event.kind + " " + (event.node.empty() ? "" : support::printable(event.node) + ": ");
  text += brief(event.text);
  if (event.length >= 0) text += "  " + lengthText(event.length);
  return text + (event.outcome.empty() ? "" : "  " + brief(event.outcome)) + "\n";
}

std::string eventsText(const history::AttemptEvents& all, const std::string& directory) {
  std::string text;
  size_t first = all.events.size() - std::min(all.events.size(), kEventsMost);
  if (!all.events.empty()) text += "  what happened, with the time since its begin:\n";
  if (first > 0) text += "  (" + std::to_string(first) + " earlier ones are left out)\n";
  for (size_t i = first; i < all.events.size(); ++i) text += eventText(all.events[i]);
  if (!all.lines.empty()) text += "  last lines of logs:\n";
  for (const history::LogLine& line : all.lines) {
    text += "  " + support::printable(line.node) + " " + support::printable(line.source) + ": " +
            brief(line.text) + "\n";
  }
  return text + artifactsText(directory, all.artifacts);
}

std::string attemptText(const ShownRun& run, const run::Attempt& attempt) {
  std::string text = "attempt " + std::to_string(attempt.number);
  if (attempt.repeat > 1) text += " of repeat " + std::to_string(attempt.repeat);
  text += ": " + std::string(run::wordOf(attempt.outcome)) + ", " + secondsText(attempt.seconds);
  if (attempt.isRunning) text += ", goes on";
  if (!attempt.because.empty()) text += ", " + support::printable(attempt.because);
  text += "\n";
  if (!attempt.nodes.empty()) text += "  nodes: " + joined(attempt.nodes, ", ") + "\n";
  if (!attempt.program.empty()) text += "  record: " + attempt.program + "\n";
  for (const run::Failure& failure : attempt.failures) text += failureText(failure);
  return text + eventsText(history::eventsOf(run.record, attempt), run.record.directory);
}

// A failed test is compared with the last run in which it was green.
std::string newLinesText(const ShownRun& run, const run::TestResult& test) {
  std::optional<report::NewLines> found = GoodRuns(run.record).newLinesOf(test);
  if (!found) return "";
  std::string text = "\nlog lines that are new since its last green run, " +
                     support::printable(found->comparedWith) + ": " +
                     (found->lines.empty() ? "none" : std::to_string(found->lines.size())) + "\n";
  for (size_t i = 0; i < std::min(found->lines.size(), kNewLinesMost); ++i) {
    const report::LogPattern& line = found->lines[i];
    text += "  " + std::to_string(line.count) + "x " + support::printable(line.node) + " " +
            support::printable(line.source) + ": " + brief(line.line) + "\n";
  }
  if (found->lines.size() > kNewLinesMost) {
    text += "  and " + std::to_string(found->lines.size() - kNewLinesMost) + " more\n";
  }
  return text;
}

Json newLinesJson(const ShownRun& run, const run::TestResult& test) {
  std::optional<report::NewLines> found = GoodRuns(run.record).newLinesOf(test);
  if (!found) return nullptr;
  Json lines = Json::array();
  for (const report::LogPattern& line : found->lines) {
    lines.push_back({{"count", line.count},
                     {"node", line.node},
                     {"source", line.source},
                     {"text", support::printable(line.line)}});
  }
  return {{"compared_with", found->comparedWith},
          {"lines", std::move(lines)},
          {"not_compared", found->leftOut}};
}

Json artifactsJson(const std::vector<history::Artifact>& artifacts) {
  Json list = Json::array();
  for (const history::Artifact& artifact : artifacts) {
    list.push_back({{"path", artifact.path},
                    {"type", artifact.type},
                    {"node", artifact.node},
                    {"bytes", artifact.bytes < 0 ? Json(nullptr) : Json(artifact.bytes)}});
  }
  return list;
}

Json failuresJson(const std::vector<run::Failure>& failures) {
  Json list = Json::array();
  for (const run::Failure& failure : failures) {
    list.push_back({{"text", failure.text},
                    {"file", failure.file},
                    {"line", failure.line},
                    {"infrastructure", failure.isInfrastructure}});
  }
  return list;
}

Json timeJson(int64_t nanoseconds) {
  return nanoseconds < 0 ? Json(nullptr) : Json(nanoseconds);
}

Json attemptJson(const ShownRun& run, const run::Attempt& attempt) {
  history::AttemptEvents all = history::eventsOf(run.record, attempt);
  Json events = Json::array();
  for (const history::Event& event : all.events) {
    events.push_back({{"kind", event.kind},
                      {"depth", event.depth},
                      {"node", event.node},
                      {"text", event.text},
                      {"outcome", event.outcome},
                      {"begin_ns", timeJson(event.begin)},
                      {"elapsed_ns", timeJson(event.length)}});
  }
  Json lines = Json::array();
  for (const history::LogLine& line : all.lines) {
    lines.push_back({{"node", line.node}, {"source", line.source}, {"text", line.text}});
  }
  return {{"attempt", attempt.number},
          {"repeat", attempt.repeat},
          {"outcome", run::wordOf(attempt.outcome)},
          {"running", attempt.isRunning},
          {"because", attempt.because},
          {"seconds", attempt.seconds},
          {"nodes", attempt.nodes},
          {"program", attempt.program},
          {"failures", failuresJson(attempt.failures)},
          {"events", std::move(events)},
          {"log_lines", std::move(lines)},
          {"artifacts", artifactsJson(all.artifacts)}};
}

}  // namespace

ShownRun shownRun(const std::string& directory) {
  ShownRun shown{.record = run::readRun(directory), .result = {}, .name = {}};
  shown.result = run::resultOf(shown.record);
  shown.name = std::filesystem::path(directory).filename();
  return shown;
}

std::string againText(const std::vector<const run::TestResult*>& tests) {
  std::map<std::string, std::string> filters;
  for (const run::TestResult* test : tests) {
    std::string& filter = filters[test->component];
    filter += (filter.empty() ? "" : ":") + test->suite + "." + test->name;
  }
  std::string text;
  for (const auto& [component, filter] : filters) {
    text += "  muster run " + (component.empty() ? "" : component + " ") +
            "-- '--gtest_filter=" + filter + "'\n";
  }
  return text.empty() ? "" : "again:\n" + text;
}

std::string runText(const ShownRun& run) {
  std::string text = headText(run);
  std::vector<history::FailureCluster> groups = clusters(run);
  if (!groups.empty()) text += "\nfailures:\n" + clustersText(groups);
  if (!run.result.failures.empty()) text += "\nfailures outside of tests:\n";
  for (const run::Failure& failure : run.result.failures) text += failureText(failure);
  for (const auto& [reason, tests] : reasonsOf(run)) {
    const auto& [outcome, because] = reason;
    text += "\n" + outcome + (because.empty() ? "" : ", " + support::printable(because)) + ":\n" +
            listText(tests, kNamesMost);
  }
  std::string again = againText(failed(run));
  if (!again.empty()) text += "\n" + again;
  std::string left =
      artifactsText(run.record.directory, history::artifactsOutsideTests(run.record));
  return text + (left.empty() ? "" : "\n" + left);
}

Json shownRunJson(const ShownRun& run) {
  Json tests = Json::array();
  for (const run::TestResult& test : run.result.tests) {
    tests.push_back({{"test", test.id()},
                     {"outcome", run::wordOf(test.outcome)},
                     {"because", test.because},
                     {"seconds", test.deciding().seconds},
                     {"attempts", test.attempts.size()}});
  }
  history::IndexedRun known = history::indexedRun(run.record.directory);
  auto pin = history::pinOf(run.record.directory);
  return {{"run", run.name},
          {"directory", run.record.directory},
          {"began_realtime_ns", run.record.wall},
          {"elapsed_ns", run.result.length},
          {"state", stateOf(run)},
          {"exit", run.result.exitStatus},
          {"revision", known.revision},
          {"branch", known.branch},
          {"dirty", known.isDirty},
          {"product", known.product},
          {"command", known.command},
          {"pinned", pin ? Json(*pin) : Json(nullptr)},
          {"problems", run.record.problems},
          {"groups", clustersJson(clusters(run))},
          {"failures", failuresJson(run.result.failures)},
          {"tests", std::move(tests)},
          {"artifacts", artifactsJson(history::artifactsOutsideTests(run.record))}};
}

std::string testText(const ShownRun& run, const run::TestResult& test) {
  std::string place = history::placeText(test.file, test.line);
  std::string text = test.id() + (place.empty() ? "" : " (" + place + ")") + " in run " + run.name +
                     ": " + std::string(run::wordOf(test.outcome));
  if (!test.because.empty()) text += ", " + test.because;
  text += "\n";
  if (!test.labels.empty()) text += "labels: " + joined(test.labels, ", ") + "\n";
  if (!test.requirements.empty()) {
    text += "requirements: " + joined(test.requirements, ", ") + "\n";
  }
  if (!test.owner.empty()) text += "owner: " + test.owner + "\n";
  for (const run::Attempt& attempt : test.attempts) text += "\n" + attemptText(run, attempt);
  return text + newLinesText(run, test) + "\n" + againText({&test});
}

Json testJson(const ShownRun& run, const run::TestResult& test) {
  Json attempts = Json::array();
  for (const run::Attempt& attempt : test.attempts) attempts.push_back(attemptJson(run, attempt));
  return {{"run", run.name},
          {"directory", run.record.directory},
          {"test", test.id()},
          {"outcome", run::wordOf(test.outcome)},
          {"because", test.because},
          {"file", test.file},
          {"line", test.line},
          {"labels", test.labels},
          {"requirements", test.requirements},
          {"owner", test.owner},
          {"attempts", std::move(attempts)},
          {"new_log_lines", newLinesJson(run, test)}};
}

}  // namespace harness
