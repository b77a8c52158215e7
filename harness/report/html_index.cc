#include "harness/report/html_index.h"

#include "harness/report/run_facts.h"
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

void addWriters(const run::RunRecord& run, size_t place, Json& writers) {
  for (const run::RecordFile& file : run.files) {
    const char* ending = file.ending() == run::RecordFile::Ending::kClosed    ? "closed"
                         : file.ending() == run::RecordFile::Ending::kRunning ? "running"
                                                                              : "killed";
    writers.push_back({{"name", file.name()},
                       {"run", place},
                       {"header", file.header()},
                       {"ending", ending},
                       {"items", file.items().size()},
                       {"problems", file.problems()}});
  }
}

// A program that was started by hand has the facts of the run in its own record.
Json runFieldsOf(const run::RunRecord& run) {
  for (const run::RecordFile& file : run.files) {
    for (const run::Item& item : file.items()) {
      if (item.kind == "run") return file.fields(item);
    }
  }
  return nullptr;
}

// What distinguishes a run from the others of the report: its column if no other run is in it.
std::string labelOf(const MergedRuns& merged, const Column& column, size_t place) {
  const std::string& id = merged.runs[place].id;
  if (column.runs.size() == 1 && !column.name.empty()) return column.name;
  std::string shard = factsOf(merged.runs[place]).property(kShard);
  std::string own = shard.empty() ? id : "shard " + shard;
  return column.name.empty() ? own : column.name + " " + own;
}

Json runsOf(const MergedRuns& merged) {
  Json runs = Json::array();
  for (size_t i = 0; i < merged.runs.size(); ++i) {
    const run::RunRecord& run = merged.runs[i];
    runs.push_back({{"id", run.id},
                    {"directory", run.directory},
                    {"wall", run.wall},
                    {"length", merged.ends[i].length},
                    {"exit", merged.ends[i].exitStatus},
                    {"whole", merged.ends[i].isWhole},
                    {"running", run.isRunning}});
    if (Json fields = runFieldsOf(run); !fields.is_null()) runs.back()["run"] = std::move(fields);
  }
  for (const Column& column : merged.columns) {
    for (size_t place : column.runs) {
      runs[place]["column"] = column.name;
      runs[place]["label"] = labelOf(merged, column, place);
    }
  }
  return runs;
}

// Nobody knows which of several runs a failure is of, and so when it was in that.
Json failuresOf(const MergedRuns& merged, HtmlSources& sources) {
  bool isOne = merged.runs.size() == 1;
  Json failures = Json::array();
  for (const Column& column : merged.columns) {
    for (const run::Failure& failure : column.result.failures) {
      failures.push_back({{"text", failure.text},
                          {"file", failure.file},
                          {"line", failure.line},
                          {"at", isOne ? Json(failure.at) : Json()},
                          {"column", column.name},
                          {"infrastructure", failure.isInfrastructure},
                          {"source", sources.around(failure.file, failure.line)}});
    }
  }
  return failures;
}

}  // namespace

size_t HtmlIndex::textOf(const std::string& text) {
  auto [place, isNew] = places_.try_emplace(text, strings_.size());
  if (isNew) strings_.push_back(text);
  return place->second;
}

void HtmlIndex::add(const run::TestResult& test, const Place& place, const Extent& detail) {
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
  put("column", textOf(place.column));
  put("run", place.run);
  put("attempts", test.attempts.size());
  put("detail", report::toJson(detail));
}

Json HtmlIndex::toJson() {
  return {{"strings", std::move(strings_)}, {"columns", std::move(columns_)}};
}

Json htmlRunFacts(const MergedRuns& merged, HtmlSources& sources) {
  Json outcomes = Json::array();
  for (int i = 0; i < run::kOutcomeCount; ++i) {
    outcomes.push_back(run::wordOf(static_cast<run::Outcome>(i)));
  }
  Json columns = Json::array();
  bool isWhole = true;
  bool isRunning = false;
  for (const Column& column : merged.columns) {
    columns.push_back({{"name", column.name}, {"exit", column.result.exitStatus}});
    isWhole = isWhole && column.result.isWhole;
    isRunning = isRunning || column.result.isRunning;
  }
  Json problems = Json::array();
  Json writers = Json::array();
  bool isOne = merged.runs.size() == 1;
  for (size_t i = 0; i < merged.runs.size(); ++i) {
    const run::RunRecord& run = merged.runs[i];
    addWriters(run, i, writers);
    for (const std::string& problem : run.problems) {
      problems.push_back(isOne ? problem : run.id + ": " + problem);
    }
  }
  return {{"runs", runsOf(merged)},
          {"columns", std::move(columns)},
          {"remarks", merged.remarks},
          {"exit", merged.exitStatus},
          {"whole", isWhole},
          {"running", isRunning},
          {"problems", std::move(problems)},
          {"failures", failuresOf(merged, sources)},
          {"outcomes", std::move(outcomes)},
          {"writers", std::move(writers)}};
}

}  // namespace harness::report
