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

// Returns the tests of a program by processes: each process has tests that follow each other, and
// there is one more wherever a process ends in the middle of a test.
std::vector<std::vector<PlannedTest>> processesOf(const PlannedProgram& program,
                                                  ProcessFor processFor);

}  // namespace harness::runner
