// run: test programs, one after the other.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <optional>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/nemesis_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/cluster/run_id.h"
#include "harness/fault/nemesis_draw.h"
#include "harness/fixture/options.h"
#include "harness/fixture/program_record.h"
#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/provision/choice.h"
#include "harness/run/results.h"
#include "harness/run/run_directory.h"
#include "harness/runner/junit_files.h"
#include "harness/runner/listing.h"
#include "harness/runner/program_run.h"
#include "harness/runner/runner.h"
#include "harness/runner/test_programs.h"
#include "harness/values/wait_time.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

using enum support::TestExitStatus;

std::string processForProblem(const std::string& text) {
  bool isKnown = text == "case" || text == "suite" || text == "program";
  return isKnown ? "" : "is neither case, suite nor program";
}

runner::ProcessFor processFor(const std::string& text) {
  if (text == "case") return runner::ProcessFor::kCase;
  return text == "suite" ? runner::ProcessFor::kSuite : runner::ProcessFor::kProgram;
}

constexpr TextOption kBinDirectory({
    .name = "bin-dir",
    .value = "DIRECTORY",
    .help = "where the test programs are; by default beside `muster`",
    .completes = WordKind::kDirectories,
});

constexpr TextOption kRunDirectory({
    .name = "run-dir",
    .value = "DIRECTORY",
    .help = "where the record of the run goes; by default ./muster-runs/ID",
    .completes = WordKind::kDirectories,
});

constexpr TextOption kReportDirectory({
    .name = "report-dir",
    .value = "DIRECTORY",
    .help = "also write COMPONENT.xml there for each component, as JUnit",
    .completes = WordKind::kDirectories,
});

constexpr TextOption kProcessFor({
    .name = "process-for",
    .value = "case|suite|program",
    .help = "what has a process of its own",
    .initial = "suite",
    .problem = processForProblem,
});

constexpr Flag kLive({
    .name = "live",
    .help = "let programs print to standard output, and keep nothing of it",
});

constexpr DurationOption kTestTimeLimit({
    .name = "test-time-limit",
    .value = "TIME",
    .help = "how long a test may take, unless it says so itself",
    .initial = "10m",
});

constexpr DurationOption kSuiteTimeLimit({
    .name = "suite-time-limit",
    .value = "TIME",
    .help = "how long each suite may take; by default as long as its program",
});

constexpr DurationOption kProgramTimeLimit({
    .name = "program-time-limit",
    .value = "TIME",
    .help = "how long all suites of a program may take",
    .initial = "1h",
});

constexpr DurationOption kRunTimeLimit({
    .name = "run-time-limit",
    .value = "TIME",
    .help = "how long the run may take; then what has not begun is not run",
});

constexpr CountOption kRepeat(
    {
        .name = "repeat",
        .value = "NUMBER",
        .help = "run every test that often",
        .initial = "1",
    },
    {.least = 1, .most = 1'000'000});

constexpr Flag kUntilFail({
    .name = "until-fail",
    .help = "repeat without end, until a test fails",
});

constexpr CountOption kRetries(
    {
        .name = "retries",
        .value = "NUMBER",
        .help = "try a test that failed again that often; it is flaky if it passes then",
        .initial = "0",
    },
    {.least = 0, .most = 100});

constexpr CountOption kMaxFail(
    {
        .name = "max-fail",
        .value = "NUMBER",
        .help = "end the run when this number of tests has failed",
    },
    {.least = 1, .most = 1'000'000});

constexpr Flag kFailFast({
    .name = "fail-fast",
    .help = "end the run at the first test that fails",
});

constexpr Flag kAbortOnInfrastructure({
    .name = "abort-on-infrastructure",
    .help = "end the run at the first test that could not be tried",
});

constexpr Flag kEndLeftovers({
    .name = "end-leftovers",
    .help = "end at once what earlier programs that were killed have left",
});

constexpr Flag kAdopt({
    .name = "adopt",
    .help = "keep what they have left until the next program ends",
});

constexpr Flag kCheckNodes({
    .name = "check-nodes",
    .help = "let a test fail that leaves its nodes changed",
});

constexpr TextOption kWaitMultiplier({
    .name = "wait-multiplier",
    .value = "NUMBER",
    .help = "let waits take as many times what the tests say, from 0.01 to 100",
    .problem = waitMultiplierProblem,
});

constexpr TextOption kNemesisPlan({
    .name = "nemesis",
    .value = "gentle|rough|FILE",
    .help = "let faults strike the nodes during the tests: those of a seed, or of a stored plan",
    .problem = nemesisProblem,
    .completes = WordKind::kNemesisPlans,
});

constexpr CountOption kNemesisSeed(
    {
        .name = "nemesis-seed",
        .value = "NUMBER",
        .help = "the seed of the plans of --nemesis; by default that of each program",
    },
    {.least = 1, .most = INT64_MAX});

constexpr DurationOption kNemesisDuration(
    {
        .name = "nemesis-duration",
        .value = "TIME",
        .help = "the length of the plans of --nemesis, from 7s to 24h; by default 2m",
    },
    {.least = nemesis::kDurationLeast, .most = nemesis::kDurationMost});

constexpr Flag kList({.name = "list", .letter = 'l', .help = "only list the components"});

constexpr char kNotes[] =
    R"(The tests of a component are the program COMPONENT_tests. Each suite has a process
of its own. Without --cluster and $MUSTER_CLUSTER, the nodes that a program needs
are made once for all of its suites. Arguments behind "--" are passed to each
program, such as --gtest_filter=Volume*. What a test that failed has printed is
shown, and all that programs print is kept in the run directory, beside the
record of the run. With --json, what is shown goes to standard error.

Exit status: 0 if everything that ran is green; 1 if a test failed, crashed or
timed out; 2 if nodes or set-up failed, so that tests could not be tried, or the
record could not be written; 3 if no test ran, since none was selected or all
were skipped; 4 if the run was cancelled. A signal is passed on to the program
that runs, which cancels its tests, tears them down and reports; a second one
makes it give them up, and a third one kills it.
)";

std::vector<TestProgram> choose(const std::vector<TestProgram>& all,
                                const std::vector<std::string>& wanted,
                                const std::string& directory) {
  if (all.empty()) {
    throw CommandError(kExitNoInput, "there are no programs named COMPONENT_tests in " + directory +
                                         "; say where with --bin-dir");
  }
  if (wanted.empty()) return all;
  std::vector<TestProgram> chosen;
  std::vector<std::string> known;
  for (const TestProgram& program : all) known.push_back(program.component);
  for (const std::string& component : wanted) {
    auto found = std::find(known.begin(), known.end(), component);
    if (found == known.end()) {
      throw CommandError(kExitUsage, "there is no component \"" + component + "\" in " + directory +
                                         support::suggestion(component, known));
    }
    chosen.push_back(all[static_cast<size_t>(found - known.begin())]);
  }
  return chosen;
}

// Redirects standard output to standard error for its lifetime.
class OutputToErrors {
 public:
  OutputToErrors() : output_(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) {
    std::cout.flush();
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~OutputToErrors() { ::dup2(output_.get(), STDOUT_FILENO); }
  OutputToErrors(const OutputToErrors&) = delete;
  OutputToErrors& operator=(const OutputToErrors&) = delete;

 private:
  Fd output_;
};

Json resultsJson(const std::string& runId, const std::string& directory, int status) {
  run::RunRecord record = run::readRun(directory);
  run::RunResult result = run::resultOf(record);
  Json tests = Json::array();
  for (const run::TestResult& test : result.tests) {
    tests.push_back({{"test", test.id()},
                     {"outcome", run::wordOf(test.outcome)},
                     {"because", test.because},
                     {"attempts", test.attempts.size()}});
  }
  return {{"run", runId},
          {"directory", directory},
          {"status", status},
          {"whole", result.isWhole},
          {"tests", std::move(tests)}};
}

std::string ownDirectory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

int list(const std::vector<TestProgram>& programs, const Arguments& arguments) {
  Json names = Json::array();
  for (const TestProgram& program : programs) {
    names.push_back(program.component);
    if (!arguments[kJson]) std::cout << program.component << "\n";
  }
  if (arguments[kJson]) printJson({{"components", std::move(names)}});
  return kExitOk;
}

// The programs may have another working directory than we.
void setNemesis(std::map<std::string, std::string>& environment, const Arguments& arguments) {
  if (arguments.has(kNemesisPlan)) {
    std::string plan = arguments[kNemesisPlan];
    std::vector<std::string> drawn = nemesis::generators();
    bool isFile = std::find(drawn.begin(), drawn.end(), plan) == drawn.end();
    environment[kNemesisVariable] = isFile ? std::filesystem::absolute(plan).string() : plan;
  }
  if (arguments.has(kNemesisSeed)) {
    environment[kNemesisSeedVariable] = std::to_string(arguments[kNemesisSeed]);
  }
  if (arguments.has(kNemesisDuration)) {
    environment[kNemesisDurationVariable] =
        std::to_string(arguments[kNemesisDuration].count()) + "ns";
  }
}

std::map<std::string, std::string> environmentOf(const Arguments& arguments) {
  std::map<std::string, std::string> environment;
  if (arguments[kEndLeftovers] && arguments[kAdopt]) {
    throw CommandError(kExitUsage, "--end-leftovers and --adopt exclude each other");
  }
  if (arguments[kEndLeftovers]) environment[kEndLeftoversVariable] = "1";
  if (arguments[kAdopt]) environment[kAdoptVariable] = "1";
  if (arguments[kCheckNodes]) environment[kCheckNodesVariable] = "1";
  if (arguments.has(kWaitMultiplier)) {
    environment[kWaitMultiplierVariable] = arguments[kWaitMultiplier];
  }
  setNemesis(environment, arguments);
  std::string cluster = arguments[kCluster];
  if (!cluster.empty()) {
    environment[kClusterVariable] =
        looksLikeFile(cluster) ? std::filesystem::absolute(cluster).string() : cluster;
  }
  return environment;
}

bool isSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

// A run that a test has started has a directory of its own.
std::string runDirectory(const Arguments& arguments, const std::string& runId) {
  if (arguments.has(kRunDirectory)) {
    return std::filesystem::absolute(arguments[kRunDirectory]).string();
  }
  if (isSet(kRunDirectoryVariable) && !isSet(kWriterVariable)) {
    return std::filesystem::absolute(std::getenv(kRunDirectoryVariable)).string();
  }
  return run::defaultRunDirectory(runId);
}

bool hasArgument(const std::vector<std::string>& arguments, std::string_view beginning) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [&](const std::string& argument) { return argument.starts_with(beginning); });
}

// gtest writes one report for a process, and a test that is held needs the terminal.
void adaptToArguments(runner::RunnerOptions& options) {
  options.hasOwnReport = hasArgument(options.arguments, "--gtest_output=") ||
                         isSet("GTEST_OUTPUT") || isSet("XML_OUTPUT_FILE");
  if (options.hasOwnReport) options.processFor = runner::ProcessFor::kProgram;
  for (const char* argument : {"--keep", "--gtest_break_on_failure"}) {
    if (hasArgument(options.arguments, argument)) options.output = runner::ProgramOutput::kLive;
  }
}

runner::RunnerOptions runnerOptions(const Arguments& arguments, const std::string& runId) {
  runner::RunnerOptions options;
  options.runId = runId;
  options.runDirectory = runDirectory(arguments, runId);
  options.command = ownCommandLine();
  options.arguments = arguments.rest();
  std::erase_if(options.arguments, [](const std::string& argument) {
    return argument.starts_with("--gtest_filter=");
  });
  options.environment = environmentOf(arguments);
  options.environment[kRunIdVariable] = runId;
  options.environment[kRunDirectoryVariable] = options.runDirectory;
  options.holdsNodes = arguments[kCluster].empty();
  options.processFor = processFor(arguments[kProcessFor]);
  if (arguments[kLive]) options.output = runner::ProgramOutput::kLive;
  options.testMax = arguments[kTestTimeLimit];
  options.environment["MUSTER_TEST_TIME"] = std::to_string(options.testMax.count()) + "ns";
  options.programMax = arguments[kProgramTimeLimit];
  if (arguments.has(kSuiteTimeLimit)) options.suiteMax = arguments[kSuiteTimeLimit];
  if (arguments.has(kRunTimeLimit)) options.runMax = arguments[kRunTimeLimit];
  options.repeat = static_cast<int>(arguments[kRepeat]);
  options.untilFail = arguments[kUntilFail];
  options.retries = static_cast<int>(arguments[kRetries]);
  if (arguments.has(kMaxFail)) options.failuresMax = static_cast<int>(arguments[kMaxFail]);
  if (arguments[kFailFast]) options.failuresMax = 1;
  options.endsOnInfrastructure = arguments[kAbortOnInfrastructure];
  adaptToArguments(options);
  return options;
}

int numberIn(const char* variable, int otherwise) {
  return isSet(variable) ? std::atoi(std::getenv(variable)) : otherwise;
}

// Deals the tests of a program to the shards in turn, as gtest does.
void keepShard(std::vector<runner::PlannedTest>& tests) {
  int total = numberIn("GTEST_TOTAL_SHARDS", 1);
  int index = numberIn("GTEST_SHARD_INDEX", 0);
  if (total <= 1) return;
  std::vector<runner::PlannedTest> kept;
  for (size_t i = 0; i < tests.size(); ++i) {
    if (static_cast<int>(i) % total == index) kept.push_back(std::move(tests[i]));
  }
  tests = std::move(kept);
}

struct ChosenTests {
  std::vector<runner::PlannedProgram> programs;

  // Those of all shards.
  size_t count = 0;
};

ChosenTests chosenTests(const std::vector<TestProgram>& programs,
                        const std::vector<std::string>& arguments) {
  ChosenTests chosen;
  for (const TestProgram& program : programs) {
    auto tests = runner::listTests(program.path, arguments);
    chosen.count += tests.size();
    keepShard(tests);
    if (!tests.empty()) {
      chosen.programs.push_back({program.component, program.path, std::move(tests)});
    }
  }
  return chosen;
}

int listOnly(const std::vector<TestProgram>& programs, const std::vector<std::string>& arguments) {
  Interrupts interrupts;
  for (const TestProgram& program : programs) {
    SpawnOptions start;
    start.argv = {program.path};
    start.argv.insert(start.argv.end(), arguments.begin(), arguments.end());
    ProgramEnding ending = runProgram(std::move(start), {}, interrupts);
    if (!ending.problem.empty()) throw CommandError(kExitSystem, ending.problem);
    if (ending.status != 0) return kExitFailed;
  }
  return kExitOk;
}

int runTests(const Arguments& arguments) {
  std::string directory = arguments.has(kBinDirectory) ? arguments[kBinDirectory] : ownDirectory();
  std::vector<TestProgram> programs =
      choose(findTestPrograms(directory), arguments.words(), directory);
  if (arguments[kList]) return list(programs, arguments);
  if (asksForList(arguments.rest())) return listOnly(programs, arguments.rest());
  std::string runId = chooseRunId(arguments[kRunId]);
  runner::RunnerOptions options = runnerOptions(arguments, runId);
  if (arguments.has(kReportDirectory)) prepareReports(arguments[kReportDirectory], programs);
  ChosenTests chosen = chosenTests(programs, arguments.rest());
  if (chosen.count == 0) {
    std::cerr << "muster: no test was selected\n";
    return kExitNothingRan;
  }
  if (chosen.programs.empty()) {
    std::cerr << "muster: other shards have the selected tests\n";
    return kExitOk;
  }
  std::optional<OutputToErrors> aside;
  if (arguments[kJson]) aside.emplace();
  int status = runner::runAll(chosen.programs, options);
  aside.reset();
  if (arguments.has(kReportDirectory)) {
    writeReports(arguments[kReportDirectory], run::resultOf(run::readRun(options.runDirectory)));
  }
  if (arguments[kJson]) printJson(resultsJson(runId, options.runDirectory, status));
  return status;
}

}  // namespace

const Command kRun = {
    .name = "run",
    .usage = "[COMPONENT...] [-- --gtest_...]",
    .summary = "run tests and keep a record of it",
    .options =
        [] {
          return OptionList{&kCluster,
                            &kBinDirectory,
                            &kRunDirectory,
                            &kReportDirectory,
                            &kRunId,
                            &kProcessFor,
                            &kLive,
                            &kTestTimeLimit,
                            &kSuiteTimeLimit,
                            &kProgramTimeLimit,
                            &kRunTimeLimit,
                            &kRepeat,
                            &kUntilFail,
                            &kRetries,
                            &kFailFast,
                            &kMaxFail,
                            &kAbortOnInfrastructure,
                            &kEndLeftovers,
                            &kAdopt,
                            &kCheckNodes,
                            &kWaitMultiplier,
                            &kNemesisPlan,
                            &kNemesisSeed,
                            &kNemesisDuration,
                            &kList,
                            &kJson};
        },
    .run = runTests,
    .wordsMost = 1000,
    .rest = Rest::kSeparate,
    .completes = WordKind::kComponents,
    .notes = kNotes,
};

}  // namespace harness
