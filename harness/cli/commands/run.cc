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
#include "harness/cli/options.h"
#include "harness/cli/run_words.h"
#include "harness/cli/table.h"
#include "harness/cluster/run_id.h"
#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/run/results.h"
#include "harness/runner/junit_files.h"
#include "harness/runner/listing.h"
#include "harness/runner/program_run.h"
#include "harness/runner/runner.h"
#include "harness/runner/test_programs.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

using enum support::TestExitStatus;

constexpr TextOption kBinDirectory({
    .name = "bin-dir",
    .value = "DIRECTORY",
    .help = "where the test programs are; by default beside `muster`",
    .completes = WordKind::kDirectories,
});

constexpr TextOption kReportDirectory({
    .name = "report-dir",
    .value = "DIRECTORY",
    .help = "also write COMPONENT.xml there for each component, as JUnit",
    .completes = WordKind::kDirectories,
});

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

int numberIn(const char* variable, int otherwise) {
  return std::getenv(variable) != nullptr ? std::atoi(std::getenv(variable)) : otherwise;
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
          OptionList options = {&kCluster, &kBinDirectory, &kReportDirectory, &kRunId};
          for (const Option* option : runOptions()) options.push_back(option);
          options.push_back(&kList);
          options.push_back(&kJson);
          return options;
        },
    .run = runTests,
    .wordsMost = 1000,
    .rest = Rest::kSeparate,
    .completes = WordKind::kComponents,
    .notes = kNotes,
};

}  // namespace harness
