#include "harness/runner/junit_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>

#include <pugixml.hpp>

#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/files.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using run::Outcome;
using run::TestResult;
using Tests = std::vector<const TestResult*>;

std::string secondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", seconds);
  return text;
}

bool isFailure(const TestResult& test) {
  return test.outcome == Outcome::kFailed || test.outcome == Outcome::kPolluted;
}

// What is neither a failed assertion nor green: a crash, a limit, nodes.
bool isError(const TestResult& test) {
  return !run::isGreen(test.outcome) && !isFailure(test);
}

void addComplaint(pugi::xml_node testCase, const char* kind, const std::string& type,
                  const std::string& text) {
  pugi::xml_node complaint = testCase.append_child(kind);
  std::string printable = support::printable(text, support::Lines::kMany);
  complaint.append_attribute("message") = printable.c_str();
  complaint.append_attribute("type") = type.c_str();
}

void addCase(pugi::xml_node suite, const TestResult& test) {
  pugi::xml_node testCase = suite.append_child("testcase");
  const run::Attempt& attempt = test.deciding();
  bool isSkipped = test.outcome == Outcome::kSkipped;
  testCase.append_attribute("name") = test.name.c_str();
  testCase.append_attribute("status") = "run";
  testCase.append_attribute("result") = isSkipped ? "skipped" : "completed";
  testCase.append_attribute("time") = secondsText(attempt.seconds).c_str();
  testCase.append_attribute("classname") = test.suite.c_str();
  std::string type(run::wordOf(test.outcome));
  if (isSkipped) addComplaint(testCase, "skipped", "", test.because);
  if (run::isGreen(test.outcome)) return;
  const char* kind = isFailure(test) ? "failure" : "error";
  if (isError(test) && !test.because.empty()) addComplaint(testCase, kind, type, test.because);
  for (const run::Failure& failure : attempt.failures) {
    addComplaint(testCase, kind, type, failure.text);
  }
  if (attempt.failures.empty() && isFailure(test)) addComplaint(testCase, kind, type, test.because);
}

void addNumbers(pugi::xml_node node, const Tests& tests) {
  double seconds = 0;
  int failures = 0;
  int errors = 0;
  int skipped = 0;
  for (const TestResult* test : tests) {
    seconds += test->deciding().seconds;
    if (isFailure(*test)) ++failures;
    if (isError(*test)) ++errors;
    if (test->outcome == Outcome::kSkipped) ++skipped;
  }
  node.append_attribute("tests") = static_cast<int>(tests.size());
  node.append_attribute("failures") = failures;
  node.append_attribute("disabled") = 0;
  node.append_attribute("skipped") = skipped;
  node.append_attribute("errors") = errors;
  node.append_attribute("time") = secondsText(seconds).c_str();
}

std::string textOf(const Tests& tests) {
  std::map<std::string, Tests> suites;
  for (const TestResult* test : tests) suites[test->suite].push_back(test);
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("testsuites");
  addNumbers(root, tests);
  root.append_attribute("name") = "AllTests";
  for (const auto& [name, members] : suites) {
    pugi::xml_node suite = root.append_child("testsuite");
    suite.append_attribute("name") = name.c_str();
    addNumbers(suite, members);
    for (const TestResult* test : members) addCase(suite, *test);
  }
  std::ostringstream text;
  document.save(text, "  ");
  // The texts of failures may hold bytes of nodes.
  return support::xmlRepaired(text.str());
}

}  // namespace

void prepareReports(const std::string& directory, const std::vector<TestProgram>& programs) {
  makeDirectories(directory);
  for (const TestProgram& program : programs) {
    std::string path = directory + "/" + program.component + ".xml";
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) failSystem("remove " + path + " of an earlier run", error.value());
  }
  // Root may write where nobody can, so that only trying tells.
  std::string probe = directory + "/.muster-XXXXXX";
  Fd file(::mkostemp(probe.data(), O_CLOEXEC));
  check(file.get(), "make a report in " + directory);
  ::unlink(probe.c_str());
}

void writeReports(const std::string& directory, const run::RunResult& result) {
  std::map<std::string, Tests> components;
  for (const TestResult& test : result.tests) components[test.component].push_back(&test);
  for (const auto& [component, tests] : components) {
    putFile(directory + "/" + component + ".xml", textOf(tests), 0644);
  }
}

}  // namespace harness
