// Runs test programs, and believes them only where there is evidence.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace harness {

// A gtest program of tests_d: COMPONENT_tests.
struct TestProgram {
  std::string component;
  std::string path;
};

// In the directory, sorted by component.
std::vector<TestProgram> findTestPrograms(const std::string& directory);

enum class Verdict {
  kPassed,           // It ran at least one test, said so in its report, and ended with 0.
  kNothingSelected,  // No test matched.
  kFailed,           // A test failed, or the program did what no passing program does.
  kInfrastructure    // Nodes or set-up, not the tests.
};

struct ProgramResult {
  std::string component;
  Verdict verdict = Verdict::kFailed;
  int tests = 0;
  int failures = 0;
  int skipped = 0;
  double seconds = 0;
  std::string reason;  // Where it is not plain from the numbers: a crash, a missing report.
  std::string report;  // Path of its XML; may not exist.
  int stoppedBy = 0;   // The signal that we were sent while it ran: nothing more is to be run.
};

struct DriveOptions {
  std::string reportDirectory;                     // Made if need be.
  std::vector<std::string> arguments;              // For every program, such as --gtest_filter=…
  std::map<std::string, std::string> environment;  // Added to ours.
  std::chrono::nanoseconds timeMax = std::chrono::hours(1);  // Of each program; then it is killed.
};

// "passed", "FAILED", "INFRASTRUCTURE", "no test selected".
const char* wordFor(Verdict verdict);

// Runs one program with our standard output and input. Never throws for what the program does.
// SIGINT, SIGTERM and SIGHUP to us meanwhile are passed on, and give it 10 s to end; a second one
// kills it. The calling thread is to be the only one that takes signals.
ProgramResult drive(const TestProgram& program, const DriveOptions& options);

// 0 passed, 1 failed, 2 infrastructure, 3 no test selected at all; a failure outweighs
// infrastructure, and a signal that ended it all, 128 and its number, everything.
int exitStatusOf(const std::vector<ProgramResult>& results);

// A line for each program, and what to look at.
std::string summaryOf(const std::vector<ProgramResult>& results);

}  // namespace harness
