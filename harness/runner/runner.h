// Runs chosen tests, a process for each suite, and keeps the record of the run. What the tests of a
// run are is the caller's choice; how one process goes is test_process.h's business.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/run/results.h"
#include "harness/runner/planned.h"
#include "harness/runner/wrapper.h"
#include "harness/verdict/gates.h"
#include "harness/verdict/probation.h"
#include "harness/verdict/waivers.h"

namespace harness::runner {

// Where the output of programs goes.
enum class ProgramOutput {
  // Into a file; what a test that failed has printed is shown.
  kFailures,
  // To our own standard output, as it comes.
  kLive,
};

// What standard error tells of the run while it goes on.
enum class Shown { kAll, kNothing };

struct RunnerOptions {
  std::string runId = {};
  std::string runDirectory = {};

  // The command line, for the record.
  std::vector<std::string> command = {};

  // Arguments of every program, and variables added to our own environment.
  std::vector<std::string> arguments = {};
  std::map<std::string, std::string> environment = {};

  ProcessFor processFor = ProcessFor::kSuite;
  ProgramOutput output = ProgramOutput::kFailures;

  Shown shown = Shown::kAll;

  // The caller has asked gtest for a report of its own, so that it is not asked for one here.
  bool hasOwnReport = false;

  // The nodes of each program are made once for all of its processes. False: the caller has named a
  // cluster.
  bool holdsNodes = true;

  // Limits; zero: none. A test that is over its limit is cancelled, and failed.
  std::chrono::nanoseconds testMax = std::chrono::minutes(10);
  std::chrono::nanoseconds suiteMax{0};
  std::chrono::nanoseconds programMax = std::chrono::hours(1);
  std::chrono::nanoseconds runMax{0};

  // How long a test that has failed is held, so that somebody can look at its nodes. The program
  // holds it itself (run::kHoldVariable), and the runner one whose program cannot. Limits do not
  // count the time. 0: none is held.
  std::chrono::nanoseconds holdMax{0};

  // What the programs run under.
  Wrapper wrapper = {};

  // Multiplies the limits of tests.
  double waitMultiplier = 1;

  // How often every test runs.
  int repeat = 1;

  // Repeats without end until a test fails.
  bool untilFail = false;

  // How often a test that failed is tried again.
  int retries = 0;

  // It is tried again on nodes that are made anew: one that passes there is polluted, not flaky.
  bool retriesOnFresh = false;

  // Failures that are foretold.
  std::vector<verdict::Waiver> waivers = {};

  // What the run must have besides.
  verdict::Gates gates = {};

  // Tests that run again and again, and whose failures are excused. Without repeats by untilFail,
  // which would know no end of them.
  verdict::TestsOnProbation onProbation = {};

  // What tests usually take, in seconds, by COMPONENT/SUITE.NAME. Absent: unknown. How long the run
  // still takes is estimated from it.
  std::map<std::string, double> usualSeconds = {};

  // Recorded as properties of the run, by their names.
  std::vector<std::pair<std::string, std::string>> properties = {};

  // The run ends after this number of tests that failed. 0: it goes on.
  int failuresMax = 0;

  // The run ends at the first test that could not be tried.
  bool endsOnInfrastructure = false;
};

// What a run has come to.
struct RunEnding {
  // As in docs/reference/records.md.
  int exitStatus = 0;

  // Its record as it was read again, and what that says.
  run::RunRecord record = {};
  run::RunResult result = {};
};

// Runs the tests. SIGINT, SIGTERM and SIGHUP to us are passed on to the program that runs, which
// then has 25 s to end, and 8 s after a second one; a third one kills it. No other thread may take
// these signals. Throws SystemError if the record cannot be made.
RunEnding runAll(const std::vector<PlannedProgram>& programs, const RunnerOptions& options);

}  // namespace harness::runner
