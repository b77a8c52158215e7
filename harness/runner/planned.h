// Says which tests a run is to have, and which of them share a process. What becomes of them is the
// business of runner.h.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace harness::runner {

struct PlannedTest {
  // SUITE.NAME
  std::string name = {};

  // What the record says of the test besides: file, line, labels and so on.
  nlohmann::json fields = nlohmann::json::object();

  // Zero: RunnerOptions::testMax holds.
  std::chrono::nanoseconds testMax{0};

  std::string suite() const { return name.substr(0, name.find('.')); }
};

struct PlannedProgram {
  std::string component = {};
  std::string path = {};

  // In the order in which they are to run.
  std::vector<PlannedTest> tests = {};
};

// What has a process of its own.
enum class ProcessFor { kCase, kSuite, kProgram };

// COMPONENT/SUITE.NAME
inline std::string testId(const std::string& component, const std::string& test) {
  return component + "/" + test;
}

// Returns the tests of a program by processes: each process has tests that follow each other, and
// there is one more wherever a process ends in the middle of a test.
std::vector<std::vector<PlannedTest>> processesOf(const PlannedProgram& program,
                                                  ProcessFor processFor);

// Returns the number of processes that tests which all end by themselves take, each of `repeats`
// counted.
size_t countProcesses(const std::vector<PlannedProgram>& programs, ProcessFor processFor,
                      int repeats);

// Writes a file of gtest's flags that selects the tests, since a filter of many is longer than an
// argument may be. Returns its path, which is that of the record with an ending. Throws
// SystemError.
std::string writeFilter(const std::string& record, const std::vector<PlannedTest>& tests);

}  // namespace harness::runner
