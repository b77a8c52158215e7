#include "harness/report/html_index.h"

#include <algorithm>

#include "schema/support/base/text.h"

namespace harness::report {
namespace {

// A line of the list shows less. Equal texts of this length count as the same error.
constexpr size_t kErrorBytesMax = 600;

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

// The first failure, in one line.
std::string errorOf(const run::TestResult& test) {
  std::string text = test.because;
  for (const run::Attempt& attempt : test.attempts) {
    if (attempt.failures.empty()) continue;
    text = attempt.failures.front().text;
    break;
  }
  std::string line;
  for (char c : text) {
    bool isSpace = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (isSpace && (line.empty() || line.back() == ' ')) continue;
    line += isSpace ? ' ' : c;
  }
  return std::string(support::beginningOf(line, kErrorBytesMax));
}

Json writersOf(const run::RunRecord& run) {
  Json writers = Json::array();
  for (const run::RecordFile& file : run.files) {
    const char* ending = file.ending() == run::RecordFile::Ending::kClosed    ? "closed"
                         : file.ending() == run::RecordFile::Ending::kRunning ? "running"
                                                                              : "killed";
    writers.push_back({{"name", file.name()},
                       {"header", file.header()},
                       {"ending", ending},
                       {"items", file.items().size()},
                       {"problems", file.problems()}});
  }
  return writers;
}

}  // namespace

size_t HtmlIndex::textOf(const std::string& text) {
  auto [place, isNew] = places_.try_emplace(text, strings_.size());
  if (isNew) strings_.push_back(text);
  return place->second;
}

void HtmlIndex::add(const run::TestResult& test, const Extent& detail) {
  const run::Attempt& deciding = test.deciding();
  double seconds = 0;
  bool isRunning = false;
  for (const run::Attempt& attempt : test.attempts) {
    seconds += attempt.seconds;
    isRunning = isRunning || attempt.isRunning;
  }
  put("component", textOf(test.component));
  put("suite", textOf(test.suite));
  put("name", textOf(test.name));
  put("outcome", static_cast<int>(test.outcome));
  put("running", isRunning ? 1 : 0);
  put("seconds", seconds);
  put("begin", deciding.begin);
  put("end", deciding.end);
  put("error", textOf(errorOf(test)));
  put("labels", textOf(joined(test.labels)));
  put("nodes", textOf(joined(deciding.nodes)));
  put("owner", textOf(test.owner));
  put("attempts", test.attempts.size());
  put("detail", report::toJson(detail));
}

Json HtmlIndex::toJson() {
  return {{"strings", std::move(strings_)}, {"columns", std::move(columns_)}};
}

Json htmlRunFacts(const run::RunRecord& run, const run::RunResult& result, HtmlSources& sources) {
  Json failures = Json::array();
  for (const run::Failure& failure : result.failures) {
    failures.push_back({{"text", failure.text},
                        {"file", failure.file},
                        {"line", failure.line},
                        {"at", failure.at},
                        {"infrastructure", failure.isInfrastructure},
                        {"source", sources.around(failure.file, failure.line)}});
  }
  Json outcomes = Json::array();
  for (int i = 0; i < run::kOutcomeCount; ++i) {
    outcomes.push_back(run::wordOf(static_cast<run::Outcome>(i)));
  }
  Json facts = {{"id", run.id},
                {"directory", run.directory},
                {"wall", run.wall},
                {"length", result.length},
                {"exit", result.exitStatus},
                {"whole", result.isWhole},
                {"running", result.isRunning},
                {"problems", run.problems},
                {"failures", std::move(failures)},
                {"outcomes", std::move(outcomes)},
                {"writers", writersOf(run)}};
  // A program that was started by hand has the facts of the run in its own record.
  for (const run::RecordFile& file : run.files) {
    for (const run::Item& item : file.items()) {
      if (item.kind == "run" && !facts.contains("run")) facts["run"] = file.fields(item);
    }
  }
  return facts;
}

}  // namespace harness::report
