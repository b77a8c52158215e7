// Runs test programs, and judges them by their reports and not by their exit statuses alone.
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

// The test programs in a directory, sorted by component.
std::vector<TestProgram> findTestPrograms(const std::string& directory);

enum class Verdict {
  // The program ran at least one test, said so in its report, and ended with 0.
  kPassed,
  // No test matched, or all were skipped.
  kNothingRan,
  // The tests that matched are in other shards (GTEST_TOTAL_SHARDS).
  kInOtherShards,
  // The program only listed its tests.
  kListed,
  // A test failed, or the program did what no passing program does.
  kFailed,
  // Nodes or set-up failed, so that tests could not be tried.
  kInfrastructure
};

struct ProgramResult {
  std::string component;
  Verdict verdict = Verdict::kFailed;
  int tests = 0;
  int failures = 0;
  int skipped = 0;
  double seconds = 0;
  // Why the verdict is not plain from the numbers: a crash, a missing report.
  std::string reason;
  // Path of the XML report: gtest's, or one that is made of the program's journal, if gtest wrote
  // none there. It need not exist.
  std::string report;
  // The signal that stopped us while the program ran; no further program should be run. 0: none.
  int stoppedBy = 0;
};

struct DriveOptions {
  // Made if it is missing.
  std::string reportDirectory;
  // Arguments of every program, such as --gtest_filter=… If they ask gtest for a report, gtest
  // writes it where they say.
  std::vector<std::string> arguments;
  // Added to our own environment.
  std::map<std::string, std::string> environment;
  // The time of each program; then it is told to end by SIGTERM, and killed 25 s later.
  std::chrono::nanoseconds timeMax = std::chrono::hours(1);
};

// "passed", "FAILED", "INFRASTRUCTURE", "no test ran", "in other shards", "listed".
const char* wordFor(Verdict verdict);

// Makes the directory of the reports, removes those that `programs` left there earlier, and makes
// sure that new ones can be made. Throws SystemError.
void prepareReports(const std::string& directory, const std::vector<TestProgram>& programs);

// Runs one program with our standard output and input. Throws what prepareReports throws, and
// nothing because of what the program does. Meanwhile, SIGINT, SIGTERM and SIGHUP to us are passed
// on to the program, which then has 25 s to end, and 8 s after a second one; a third one kills it.
// No other thread may take these signals.
ProgramResult drive(const TestProgram& program, const DriveOptions& options);

// A TestExitStatus, or 128 plus the number of the signal that stopped us, which outweighs all. A
// failure outweighs infrastructure; kExitNothingRan is for no test in any program and shard.
int exitStatusOf(const std::vector<ProgramResult>& results);

// A line for each program, and the report of each that did not pass.
std::string summaryOf(const std::vector<ProgramResult>& results);

}  // namespace harness
