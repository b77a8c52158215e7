#include "harness/report/json.h"

#include <nlohmann/json.hpp>

#include "harness/report/run_facts.h"

namespace harness::report {
namespace {

// Keys in the order in which they are written here.
using Json = nlohmann::ordered_json;

using run::Attempt;
using run::Outcome;
using run::TestResult;

void put(Json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

void put(Json& object, const char* name, int64_t value) {
  if (value > 0) object[name] = value;
}

double secondsOf(int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e9;
}

Json propertiesJson(const Properties& properties) {
  Json list = Json::array();
  for (const auto& [name, value] : properties) list.push_back({{"name", name}, {"value", value}});
  return list;
}

Json nodeJson(const NodeFacts& node) {
  Json json = {{"name", node.name}};
  put(json, "role", node.role);
  put(json, "address", node.address);
  put(json, "agent", node.agent);
  put(json, "kernel", node.kernel);
  put(json, "system", node.system);
  if (!node.product.empty()) json["product"] = node.product;
  return json;
}

Json failureJson(const run::Failure& failure) {
  Json json = {{"text", failure.text}};
  put(json, "file", failure.file);
  put(json, "line", failure.line);
  json["at"] = secondsOf(failure.at);
  json["infrastructure"] = failure.isInfrastructure;
  return json;
}

template <typename Results>
Json totalsJson(const Results& results) {
  Json totals = Json::object();
  for (int i = 0; i < run::kOutcomeCount; ++i) {
    auto outcome = static_cast<Outcome>(i);
    totals[std::string(wordOf(outcome))] = results.count(outcome);
  }
  return totals;
}

class Writer {
 public:
  Writer(const MergedRuns& merged, const FormatOptions& options)
      : merged_(merged), options_(options) {
    for (const run::RunRecord& run : merged_.runs) {
      facts_.push_back(factsOf(run));
      attempts_.emplace_back(run);
    }
  }

  std::string write() {
    Json document = {{"format", "muster report"}, {"version", kJsonVersion}};
    document["exitStatus"] = merged_.exitStatus;
    document["totals"] = totalsJson(merged_);
    document["remarks"] = merged_.remarks;
    document["runs"] = Json::array();
    document["columns"] = Json::array();
    document["tests"] = Json::array();
    for (const Column& column : merged_.columns) {
      for (size_t place : column.runs) document["runs"].push_back(runJson(column, place));
      document["columns"].push_back(columnJson(column));
      for (size_t i = 0; i < column.result.tests.size(); ++i) {
        document["tests"].push_back(testJson(column, i));
      }
    }
    return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }

 private:
  Json runJson(const Column& column, size_t place) const {
    const RunFacts& facts = facts_[place];
    const run::RunRecord& run = merged_.runs[place];
    Json json = {{"id", facts.id}, {"directory", facts.directory}, {"column", column.name}};
    put(json, "begin", utcText(facts.wall));
    put(json, "host", facts.host);
    put(json, "muster", facts.muster);
    put(json, "command", facts.command);
    put(json, "seed", facts.seed);
    put(json, "revision", facts.revision);
    put(json, "branch", facts.branch);
    if (!facts.revision.empty()) json["dirty"] = facts.isDirty;
    json["running"] = run.isRunning;
    json["problems"] = run.problems;
    json["properties"] = propertiesJson(facts.properties);
    json["nodes"] = Json::array();
    for (const NodeFacts& node : facts.nodes) json["nodes"].push_back(nodeJson(node));
    return json;
  }

  Json columnJson(const Column& column) const {
    Json json = {{"name", column.name}, {"exitStatus", column.result.exitStatus}};
    json["seconds"] = secondsOf(column.result.length);
    json["totals"] = totalsJson(column.result);
    json["problems"] = Json::array();
    for (const OutsideProblem& problem : outsideProblemsOf(merged_, column)) {
      json["problems"].push_back(
          {{"name", problem.name}, {"outcome", wordOf(problem.outcome)}, {"text", problem.text}});
    }
    return json;
  }

  Json testJson(const Column& column, size_t place) const {
    const TestResult& test = column.result.tests[place];
    Json json = {{"id", test.id()}, {"column", column.name}};
    put(json, "component", test.component);
    json["suite"] = test.suite;
    json["name"] = test.name;
    put(json, "file", test.file);
    put(json, "line", test.line);
    json["labels"] = test.labels;
    json["requirements"] = test.requirements;
    put(json, "owner", test.owner);
    json["outcome"] = wordOf(test.outcome);
    put(json, "because", test.because);
    json["green"] = run::isGreen(test.outcome);
    json["attempts"] = Json::array();
    for (size_t i = 0; i < test.attempts.size(); ++i) {
      json["attempts"].push_back(
          attemptJson(test, test.attempts[i], column.runOfAttempt[place][i]));
    }
    return json;
  }

  Json attemptJson(const TestResult& test, const Attempt& attempt, size_t run) const {
    Json json = {{"number", attempt.number}, {"repeat", attempt.repeat}, {"run", facts_[run].id}};
    put(json, "program", attempt.program);
    json["outcome"] = wordOf(attempt.outcome);
    put(json, "because", attempt.because);
    if (attempt.isRunning) json["running"] = true;
    json["seconds"] = attempt.seconds;
    if (attempt.begin != run::Item::kNever) json["begin"] = secondsOf(attempt.begin);
    if (attempt.end != run::Item::kNever) json["end"] = secondsOf(attempt.end);
    json["nodes"] = attempt.nodes;
    json["failures"] = Json::array();
    for (const run::Failure& failure : attempt.failures) {
      json["failures"].push_back(failureJson(failure));
    }
    AttemptFacts facts = attempts_[run].read(test, attempt);
    json["properties"] = propertiesJson(facts.properties);
    json["artifacts"] = Json::array();
    for (const Artifact& artifact : facts.artifacts) {
      Json one = {{"path", pathOf(facts_[run], artifact, options_)}, {"type", artifact.type}};
      put(one, "node", artifact.node);
      put(one, "bytes", artifact.bytes);
      json["artifacts"].push_back(one);
    }
    put(json, "output", facts.output);
    return json;
  }

  const MergedRuns& merged_;
  const FormatOptions& options_;
  std::vector<RunFacts> facts_;
  std::vector<AttemptReader> attempts_;
};

}  // namespace

std::string jsonText(const MergedRuns& merged, const FormatOptions& options) {
  return Writer(merged, options).write();
}

}  // namespace harness::report
