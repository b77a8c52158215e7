#include "harness/report/junit.h"

#include <cstdio>
#include <map>
#include <sstream>

#include <pugixml.hpp>

#include "harness/report/run_facts.h"
#include "schema/support/base/text.h"

namespace harness::report {
namespace {

using run::Attempt;
using run::Outcome;
using run::TestResult;

// XML 1.0 has no way to write most control characters.
std::string shown(const std::string& text) {
  return support::printable(text, support::Lines::kMany);
}

std::string secondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", seconds);
  return text;
}

// The element of a result. An error is what is no verdict of the test: a crash, or the lack of one.
const char* elementOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFailed:
    case Outcome::kPolluted:
      return "failure";
    case Outcome::kCrashed:
    case Outcome::kTimedOut:
    case Outcome::kInfrastructure:
    case Outcome::kCancelled:
    case Outcome::kNotRun:
      return "error";
    // A waived failure is none that anybody has to act on, and no pass.
    case Outcome::kSkipped:
    case Outcome::kWaived:
      return "skipped";
    case Outcome::kPassed:
    case Outcome::kFlaky:
    case Outcome::kUnexpectedlyPassed:
      break;
  }
  return nullptr;
}

bool isResult(Outcome outcome) {
  return outcome == Outcome::kPassed || outcome == Outcome::kSkipped;
}

struct Counts {
  size_t tests = 0;
  size_t failures = 0;
  size_t errors = 0;
  size_t skipped = 0;
  double seconds = 0;

  void add(Outcome outcome, double time) {
    ++tests;
    seconds += time;
    const char* element = elementOf(outcome);
    if (element == nullptr) return;
    std::string name = element;
    if (name == "failure") ++failures;
    if (name == "error") ++errors;
    if (name == "skipped") ++skipped;
  }

  void add(const Counts& other) {
    tests += other.tests;
    failures += other.failures;
    errors += other.errors;
    skipped += other.skipped;
    seconds += other.seconds;
  }
};

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
    pugi::xml_node declaration = document_.append_child(pugi::node_declaration);
    declaration.append_attribute("version") = "1.0";
    declaration.append_attribute("encoding") = "UTF-8";
    root_ = document_.append_child("testsuites");
    root_.append_attribute("name") = shown(facts_.front().id).c_str();
    Counts all;
    for (const Column& column : merged_.columns) all.add(addColumn(column));
    addCounts(root_, all, false);
    std::ostringstream text;
    document_.save(text, "  ");
    return text.str();
  }

 private:
  static void addCounts(pugi::xml_node node, const Counts& counts, bool isSuite) {
    node.append_attribute("tests") = std::to_string(counts.tests).c_str();
    node.append_attribute("failures") = std::to_string(counts.failures).c_str();
    node.append_attribute("errors") = std::to_string(counts.errors).c_str();
    // The schemas know it of suites only.
    if (isSuite) node.append_attribute("skipped") = std::to_string(counts.skipped).c_str();
    node.append_attribute("time") = secondsText(counts.seconds).c_str();
  }

  // A report of several columns has each test several times, and names must differ.
  std::string prefixOf(const Column& column, const char* separator) const {
    if (merged_.columns.size() == 1 || column.name.empty()) return "";
    return shown(column.name) + separator;
  }

  Counts addColumn(const Column& column) {
    // The tests of a suite stand together, in the order of the first of them.
    std::vector<std::pair<std::string, std::vector<size_t>>> suites;
    std::map<std::string, size_t> places;
    const std::vector<TestResult>& tests = column.result.tests;
    for (size_t i = 0; i < tests.size(); ++i) {
      std::string separator = tests[i].component.empty() ? "" : "/";
      std::string name = tests[i].component + separator + tests[i].suite;
      auto [found, isNew] = places.try_emplace(name, suites.size());
      if (isNew) suites.push_back({name, {}});
      suites[found->second].second.push_back(i);
    }
    Counts all;
    for (const auto& [name, members] : suites) all.add(addSuite(column, name, members));
    all.add(addOutside(column));
    return all;
  }

  Counts addSuite(const Column& column, const std::string& name,
                  const std::vector<size_t>& members) {
    pugi::xml_node suite = root_.append_child("testsuite");
    suite.append_attribute("name") = (prefixOf(column, "/") + shown(name)).c_str();
    Counts counts;
    for (size_t i : members) {
      const TestResult& test = column.result.tests[i];
      double seconds = 0;
      for (const Attempt& attempt : test.attempts) seconds += attempt.seconds;
      counts.add(test.outcome, seconds);
    }
    addCounts(suite, counts, true);
    addOrigin(suite, column);
    for (size_t i : members) addCase(suite, column, i);
    return counts;
  }

  void addOrigin(pugi::xml_node suite, const Column& column) const {
    const RunFacts& facts = facts_[column.runs.front()];
    std::string time = utcText(facts.wall);
    if (!time.empty()) suite.append_attribute("timestamp") = time.substr(0, 19).c_str();
    if (!facts.host.empty()) suite.append_attribute("hostname") = shown(facts.host).c_str();
    pugi::xml_node properties = suite.append_child("properties");
    for (size_t place : column.runs) {
      const RunFacts& run = facts_[place];
      addProperty(properties, "run", run.id);
      addProperty(properties, "seed", run.seed);
      addProperty(properties, "command", run.command);
      addProperty(properties, "revision", run.revision);
      for (const NodeFacts& node : run.nodes) addProperty(properties, "node", node.name);
      for (const NodeFacts& node : run.nodes) {
        for (const auto& [name, version] : node.product) {
          addProperty(properties, node.name + "." + name, version);
        }
      }
      for (const auto& [name, value] : run.properties) addProperty(properties, name, value);
    }
  }

  static void addProperty(pugi::xml_node properties, const std::string& name,
                          const std::string& value) {
    if (value.empty()) return;
    pugi::xml_node property = properties.append_child("property");
    property.append_attribute("name") = shown(name).c_str();
    property.append_attribute("value") = shown(value).c_str();
  }

  void addCase(pugi::xml_node suite, const Column& column, size_t place) const {
    const TestResult& test = column.result.tests[place];
    pugi::xml_node node = suite.append_child("testcase");
    node.append_attribute("name") = shown(test.name).c_str();
    std::string component = test.component.empty() ? "" : shown(test.component) + ".";
    node.append_attribute("classname") =
        (prefixOf(column, ".") + component + shown(test.suite)).c_str();
    double seconds = 0;
    for (const Attempt& attempt : test.attempts) seconds += attempt.seconds;
    node.append_attribute("time") = secondsText(seconds).c_str();
    addVerdict(node, test);
    std::string output = outputOf(column, place);
    if (!output.empty()) node.append_child("system-out").text() = output.c_str();
  }

  // The attempt that has the outcome is the verdict. Others that did not pass stand beside it, as
  // Surefire writes reruns: "flaky" if a later one passed.
  static void addVerdict(pugi::xml_node node, const TestResult& test) {
    const Attempt& telling = tellingAttemptOf(test);
    const char* element = elementOf(test.outcome);
    const Attempt* shownAttempt = nullptr;
    if (element != nullptr) {
      std::string because = test.because.empty() ? reasonOf(telling) : shown(test.because);
      addText(node, element, test.outcome, because, storyOf(telling));
      shownAttempt = &telling;
    }
    for (const Attempt& attempt : test.attempts) {
      if (&attempt == shownAttempt || isResult(attempt.outcome)) continue;
      bool isError = std::string("error") == elementOf(attempt.outcome);
      std::string kind = element == nullptr ? "flaky" : "rerun";
      addText(node, (kind + (isError ? "Error" : "Failure")).c_str(), attempt.outcome,
              reasonOf(attempt), storyOf(attempt));
    }
  }

  static void addText(pugi::xml_node node, const char* element, Outcome outcome,
                      const std::string& message, const std::string& text) {
    pugi::xml_node verdict = node.append_child(element);
    verdict.append_attribute("type") = std::string(wordOf(outcome)).c_str();
    std::string line = firstLineOf(message, message.size());
    verdict.append_attribute("message") = line.c_str();
    // Surefire has the text of other attempts in an element of its own, and Jenkins takes both.
    bool isOther =
        std::string(element).find("rerun") == 0 || std::string(element).find("flaky") == 0;
    if (isOther) verdict = verdict.append_child("stackTrace");
    verdict.text() = shown(text).c_str();
  }

  // A test case has no properties in the schema of Jenkins. The lines with two brackets are what
  // readers of JUnit XML agree on instead.
  std::string outputOf(const Column& column, size_t place) const {
    const TestResult& test = column.result.tests[place];
    std::string text;
    auto property = [&](const std::string& name, const std::string& value) {
      if (value.empty()) return;
      text += "[[PROPERTY|" + support::printable(name) + "=" + support::printable(value) + "]]\n";
    };
    property("outcome", std::string(wordOf(test.outcome)));
    property("owner", test.owner);
    for (const std::string& each : test.requirements) property("requirement", each);
    for (const std::string& each : test.labels) property("label", each);
    if (!test.file.empty()) property("source", test.file + ":" + std::to_string(test.line));
    for (size_t i = 0; i < test.attempts.size(); ++i) {
      const Attempt& attempt = test.attempts[i];
      size_t run = column.runOfAttempt[place][i];
      AttemptFacts facts = attempts_[run].read(test, attempt);
      if (test.attempts.size() > 1) {
        property("attempt", std::to_string(attempt.number) + ", repeat " +
                                std::to_string(attempt.repeat) + ": " +
                                std::string(wordOf(attempt.outcome)));
      }
      for (const std::string& node : attempt.nodes) property("node", node);
      for (const auto& [name, value] : facts.properties) property(name, value);
      for (const Artifact& artifact : facts.artifacts) {
        text +=
            "[[ATTACHMENT|" + support::printable(pathOf(facts_[run], artifact, options_)) + "]]\n";
      }
      if (!facts.output.empty()) text += shown(facts.output) + "\n";
    }
    return text;
  }

  Counts addOutside(const Column& column) {
    Counts counts;
    std::vector<OutsideProblem> problems = outsideProblemsOf(merged_, column);
    if (problems.empty()) return counts;
    for (const OutsideProblem& problem : problems) counts.add(problem.outcome, 0);
    pugi::xml_node suite = root_.append_child("testsuite");
    suite.append_attribute("name") = (prefixOf(column, "/") + "outside of tests").c_str();
    addCounts(suite, counts, true);
    addOrigin(suite, column);
    std::map<std::string, int> numbers;
    for (const OutsideProblem& problem : problems) {
      pugi::xml_node node = suite.append_child("testcase");
      int number = ++numbers[problem.name];
      std::string suffix = number == 1 ? "" : " " + std::to_string(number);
      node.append_attribute("name") = (problem.name + suffix).c_str();
      node.append_attribute("classname") = (prefixOf(column, ".") + "outside of tests").c_str();
      node.append_attribute("time") = secondsText(0).c_str();
      addText(node, elementOf(problem.outcome), problem.outcome,
              firstLineOf(problem.text, problem.text.size()), problem.text);
    }
    return counts;
  }

  const MergedRuns& merged_;
  const FormatOptions& options_;
  std::vector<RunFacts> facts_;
  std::vector<AttemptReader> attempts_;
  pugi::xml_document document_;
  pugi::xml_node root_;
};

}  // namespace

std::string junitText(const MergedRuns& merged, const FormatOptions& options) {
  return Writer(merged, options).write();
}

}  // namespace harness::report
