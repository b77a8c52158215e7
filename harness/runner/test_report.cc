#include "harness/runner/test_report.h"

#include <cstdio>
#include <cstring>
#include <map>
#include <sstream>
#include <vector>

#include <pugixml.hpp>

#include "harness/os/files.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using support::TestRecord;

// The test case of a problem that belongs to no test.
constexpr char kProgramCase[] = "(the program)";

std::string secondsText(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", seconds);
  return text;
}

void addComplaint(pugi::xml_node testCase, const char* kind, const std::string& text) {
  pugi::xml_node complaint = testCase.append_child(kind);
  complaint.append_attribute("message") = support::printable(text, support::Lines::kMany).c_str();
  complaint.append_attribute("type") = "";
}

void addCase(pugi::xml_node suite, const TestRecord& test, const std::string& problem) {
  pugi::xml_node testCase = suite.append_child("testcase");
  bool isSkipped = test.result == TestRecord::Result::kSkipped;
  testCase.append_attribute("name") = test.name.c_str();
  testCase.append_attribute("status") = "run";
  testCase.append_attribute("result") = isSkipped ? "skipped" : "completed";
  testCase.append_attribute("time") = secondsText(test.seconds).c_str();
  testCase.append_attribute("classname") = test.suite.c_str();
  if (isSkipped) addComplaint(testCase, "skipped", test.text);
  if (test.result == TestRecord::Result::kFailed) addComplaint(testCase, "failure", test.text);
  if (test.result == TestRecord::Result::kRunning) addComplaint(testCase, "error", problem);
}

void addNumbers(pugi::xml_node node, const std::vector<TestRecord>& tests) {
  Report numbers = reportOf({.tests = tests});
  double seconds = 0;
  int errors = 0;
  for (const TestRecord& test : tests) {
    seconds += test.seconds;
    if (test.result == TestRecord::Result::kRunning) ++errors;
  }
  node.append_attribute("tests") = numbers.tests;
  node.append_attribute("failures") = numbers.failures - errors;
  node.append_attribute("disabled") = 0;
  node.append_attribute("skipped") = numbers.skipped;
  node.append_attribute("errors") = errors;
  node.append_attribute("time") = secondsText(seconds).c_str();
}

}  // namespace

std::optional<Report> readReport(const std::string& path) {
  pugi::xml_document document;
  if (!document.load_file(path.c_str())) return std::nullopt;
  pugi::xml_node root = document.child("testsuites");
  if (!root) return std::nullopt;
  Report report;
  report.failures = root.attribute("failures").as_int();
  report.errors = root.attribute("errors").as_int() > 0;
  for (pugi::xml_node suite : root.children("testsuite")) {
    for (pugi::xml_node test : suite.children("testcase")) {
      if (std::strcmp(test.attribute("status").value(), "run") != 0) continue;
      ++report.tests;
      if (std::strcmp(test.attribute("result").value(), "skipped") == 0) ++report.skipped;
    }
  }
  return report;
}

Report reportOf(const support::TestJournal& journal) {
  Report report;
  for (const TestRecord& test : journal.tests) {
    ++report.tests;
    if (test.result == TestRecord::Result::kSkipped) ++report.skipped;
    bool isOver = test.result != TestRecord::Result::kRunning;
    if (!isOver || test.result == TestRecord::Result::kFailed) ++report.failures;
  }
  return report;
}

void writeReport(const std::string& path, const std::string& component,
                 const support::TestJournal& journal, const std::string& problem) {
  std::vector<TestRecord> tests = journal.tests;
  bool isRunning = !tests.empty() && tests.back().result == TestRecord::Result::kRunning;
  if (!problem.empty() && !isRunning) tests.push_back({.suite = component, .name = kProgramCase});
  std::map<std::string, std::vector<TestRecord>> suites;
  for (const TestRecord& test : tests) suites[test.suite].push_back(test);
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("testsuites");
  addNumbers(root, tests);
  root.append_attribute("name") = "AllTests";
  for (const auto& [name, members] : suites) {
    pugi::xml_node suite = root.append_child("testsuite");
    suite.append_attribute("name") = name.c_str();
    addNumbers(suite, members);
    for (const TestRecord& test : members) addCase(suite, test, problem);
  }
  std::ostringstream text;
  document.save(text, "  ");
  // The texts of failures may hold bytes of nodes.
  putFile(path, support::xmlRepaired(text.str()), 0644);
}

}  // namespace harness
