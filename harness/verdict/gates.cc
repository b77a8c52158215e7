#include "harness/verdict/gates.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "harness/os/files.h"
#include "harness/run/fields.h"
#include "harness/verdict/probes.h"
#include "schema/support/base/config.h"
#include "schema/support/base/duration.h"

namespace harness::verdict {
namespace {

using run::Json;
using run::Outcome;

constexpr char kTests[] = "min-tests";
constexpr char kLength[] = "max-duration";
constexpr char kEnvironments[] = "environments";
constexpr char kProbes[] = "require-probes";

bool hasRun(const run::TestResult& test) {
  return test.outcome != Outcome::kSkipped && test.outcome != Outcome::kNotRun;
}

bool isValue(const Json& fields, const char* name, const std::string& value) {
  auto found = fields.find(name);
  if (found == fields.end()) return false;
  return found->is_string() ? found->get<std::string>() == value : found->dump() == value;
}

bool names(const Json& property, const Environment& environment) {
  return run::textOf(property, "name") == environment.property &&
         isValue(property, "value", environment.value);
}

// A property of the run or of one of its programs, or a setting of a program.
bool isOf(const run::RunRecord& record, const Environment& environment) {
  for (const run::RecordFile& file : record.files) {
    for (const run::Item& item : file.items()) {
      if (item.kind != "run" && item.kind != "program") continue;
      for (const Json& property : file.additions(item, "property")) {
        if (names(property, environment)) return true;
      }
      Json fields = file.fields(item);
      auto settings = fields.find("configuration");
      if (settings == fields.end() || !settings->is_array()) continue;
      for (const Json& setting : *settings) {
        if (names(setting, environment)) return true;
      }
    }
  }
  return false;
}

bool hasResultsOf(const Environment& environment, const std::vector<JudgedRun>& runs) {
  return std::any_of(runs.begin(), runs.end(), [&](const JudgedRun& run) {
    return std::any_of(run.result.tests.begin(), run.result.tests.end(), hasRun) &&
           isOf(run.record, environment);
  });
}

void addUnmet(const std::vector<JudgedRun>& runs, std::vector<std::string>& closed) {
  std::vector<const run::RunRecord*> records;
  for (const JudgedRun& run : runs) records.push_back(&run.record);
  for (const ProbeResult& probe : probesOf(records)) {
    if (probe.state == ProbeResult::State::kMet) continue;
    closed.push_back("gate: the probe \"" + probe.name + "\" of " + probe.component + " (" +
                     probe.file + ":" + std::to_string(probe.line) + ") was " +
                     wordOf(probe.state));
  }
}

}  // namespace

std::optional<Environment> environmentFrom(const std::string& text) {
  size_t equals = text.find('=');
  Environment environment;
  if (equals != std::string::npos) environment.property = text.substr(0, equals);
  environment.value = equals == std::string::npos ? text : text.substr(equals + 1);
  if (environment.property.empty() || environment.value.empty()) return std::nullopt;
  return environment;
}

Gates readGates(const std::string& path) {
  support::ConfigReader reader(path);
  YAML::Node document = reader.parse(readFile(path));
  reader.checkKeys(document, {kTests, kLength, kEnvironments, kProbes});
  Gates gates;
  if (YAML::Node tests = document[kTests]) {
    std::string text = reader.text(tests, kTests);
    char* rest = nullptr;
    long long number = std::strtoll(text.c_str(), &rest, 10);
    if (*rest != '\0' || number < 1) reader.fail(tests, text + " is no number from 1");
    gates.testsLeast = static_cast<size_t>(number);
  }
  if (YAML::Node length = document[kLength]) {
    std::string text = reader.text(length, kLength);
    auto nanoseconds = support::durationFromText(text);
    if (!nanoseconds || *nanoseconds == 0) {
      reader.fail(length, "\"" + text + "\" is no time such as \"30m\"");
    }
    gates.lengthMost = std::chrono::nanoseconds(*nanoseconds);
  }
  if (YAML::Node list = document[kEnvironments]) {
    for (const std::string& text : reader.texts(list, kEnvironments)) {
      auto environment = environmentFrom(text);
      if (!environment) {
        reader.fail(list, "\"" + text + "\" is no environment such as \"image=debian-12\"");
      }
      gates.environments.push_back(*environment);
    }
  }
  if (YAML::Node probes = document[kProbes]) {
    gates.requiresProbes = reader.word(probes, kProbes, {"false", "true"}) == 1;
  }
  return gates;
}

std::vector<std::string> closedGates(const Gates& gates, const std::vector<JudgedRun>& runs) {
  std::vector<std::string> closed;
  std::set<std::string> ran;
  for (const JudgedRun& run : runs) {
    for (const run::TestResult& test : run.result.tests) {
      if (hasRun(test)) ran.insert(test.id());
    }
  }
  if (ran.size() < gates.testsLeast) {
    closed.push_back("gate: " + std::to_string(ran.size()) + " tests have run, and at least " +
                     std::to_string(gates.testsLeast) + " must");
  }
  for (const Environment& environment : gates.environments) {
    if (hasResultsOf(environment, runs)) continue;
    closed.push_back("gate: there are no results of " + environment.text());
  }
  if (gates.requiresProbes) addUnmet(runs, closed);
  return closed;
}

std::string closedByLength(const Gates& gates, std::chrono::nanoseconds length) {
  if (gates.lengthMost.count() == 0 || length <= gates.lengthMost) return "";
  return "gate: the run has taken longer than the " +
         support::durationText(gates.lengthMost.count()) + " that it may take";
}

}  // namespace harness::verdict
