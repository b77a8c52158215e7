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
#include "harness/cli/junit_files.h"
#include "harness/cli/options.h"
#include "harness/cli/planned_tests.h"
#include "harness/cli/report_words.h"
#include "harness/cli/run_plan.h"
#include "harness/cli/run_plan_words.h"
#include "harness/cli/run_words.h"
#include "harness/cli/selection_words.h"
#include "harness/cli/table.h"
#include "harness/cli/wrapper_words.h"
#include "harness/cluster/run_id.h"
#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/run/record_writer.h"
#include "harness/run/results.h"
#include "harness/runner/display.h"
#include "harness/runner/runner.h"
#include "harness/runner/test_programs.h"
#include "harness/selection/choose.h"
#include "harness/selection/names.h"
#include "schema/support/base/exit_status.h"

namespace harness {
namespace {

using enum support::TestExitStatus;

constexpr TextOption kReportDirectory({
    .name = "report-dir",
    .value = "DIRECTORY",
    .help = "also write COMPONENT.xml there for each component, as JUnit",
    .completes = WordKind::kDirectories,
});

constexpr Flag kDryRun({
    .name = "dry-run",
    .help = "only say what would run, in which order, on which nodes, for how long, and what "
            "cannot run; no node is touched",
});

constexpr Flag kNoPage({
    .name = "no-page",
    .help = "do not write the page report.html into the run directory",
});

constexpr char kNotes[] =
    R"(TEST is a component, SUITE.TEST, a pattern of such or a directory; see
`muster help list`. The tests of a component are the program COMPONENT_tests.
Each suite has a process of its own. Without --cluster and $MUSTER_CLUSTER, the
nodes that a program needs are made once for all of its suites. Arguments behind
"--" are passed to each program, such as --gtest_filter=Volume*. What a test
that failed has printed is shown, and all that programs print is kept in the run
directory, beside the record of the run. With --json, what is shown goes to
standard error.

--dry-run prints the plan of the run. The estimate is made of the last passes of
each test in ./muster-runs. Exit status: 0, or 3 if no test can run.

Exit status: 0 if everything that ran is green; 1 if a test failed, crashed or
timed out; 2 if nodes or set-up failed, so that tests could not be tried, or the
record could not be written; 3 if no test ran, since none was selected or all
were skipped; 4 if the run was cancelled. A signal is passed on to the program
that runs, which cancels its tests, tears them down and reports; a second one
makes it give them up, and a third one kills it.
)";

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

Json resultsJson(const std::string& runId, const runner::RunEnding& ending) {
  Json tests = Json::array();
  for (const run::TestResult& test : ending.result.tests) {
    tests.push_back({{"test", test.id()},
                     {"outcome", run::wordOf(test.outcome)},
                     {"because", test.because},
                     {"attempts", test.attempts.size()}});
  }
  return {{"run", runId},
          {"directory", ending.record.directory},
          {"status", ending.exitStatus},
          {"whole", ending.result.isWhole},
          {"tests", std::move(tests)}};
}

// Tells whether gtest would take a test by this filter: patterns before "-" select, and those
// behind it leave out.
bool isFiltered(const std::string& filter, const std::string& name) {
  size_t dash = filter.find('-');
  auto fitsAny = [&](std::string_view patterns) {
    while (!patterns.empty()) {
      size_t end = std::min(patterns.find(':'), patterns.size());
      if (selection::fits(name, std::string(patterns.substr(0, end)))) return true;
      patterns.remove_prefix(std::min(end + 1, patterns.size()));
    }
    return false;
  };
  std::string_view all = filter;
  std::string_view positive = all.substr(0, dash);
  bool isSelected = positive.empty() || fitsAny(positive);
  return isSelected && (dash == std::string::npos || !fitsAny(all.substr(dash + 1)));
}

// The filter that gtest would be given: that of the arguments, or else of the environment.
std::string filterOf(const std::vector<std::string>& arguments) {
  constexpr std::string_view kFlag = "--gtest_filter=";
  std::string filter;
  if (const char* value = std::getenv("GTEST_FILTER")) filter = value;
  for (const std::string& argument : arguments) {
    if (argument.starts_with(kFlag)) filter = argument.substr(kFlag.size());
  }
  return filter;
}

// Leaves out what the filter of gtest does.
std::vector<selection::ListedTest> testsToRun(const selection::Choice& choice,
                                              const std::vector<std::string>& arguments) {
  std::vector<selection::ListedTest> tests = choice.tests;
  bool takesDisabled = std::find(arguments.begin(), arguments.end(),
                                 "--gtest_also_run_disabled_tests") != arguments.end();
  if (takesDisabled) {
    tests.insert(tests.end(), choice.disabled.begin(), choice.disabled.end());
  }
  std::string filter = filterOf(arguments);
  if (filter.empty()) return tests;
  std::erase_if(tests, [&](const selection::ListedTest& test) {
    return !isFiltered(filter, test.fullName());
  });
  return tests;
}

std::vector<runner::PlannedProgram> programsOf(const std::vector<selection::ListedTest>& tests) {
  std::vector<runner::PlannedProgram> programs;
  for (const selection::ListedTest& test : tests) addTo(programs, test);
  return programs;
}

// Lists the tests as gtest does, for those who ask the programs themselves.
int listOnly(const Arguments& arguments) {
  for (const selection::ListedTest& test : chooseTests(arguments).tests) {
    std::cout << test.id() << "\n";
  }
  return kExitOk;
}

// What nobody has asked for must not hide what became of the tests.
void writePageOf(const report::MergedRuns& merged) {
  std::string path = merged.runs.front().directory + "/" + kPageName;
  writePage(merged, path);
  std::cerr << "report: " << path << "\n";
}

// What is chosen of the programs' tests.
struct ToRun {
  selection::Choice choice;
  std::vector<selection::ListedTest> tests;
  std::vector<runner::PlannedProgram> programs;
};

ToRun chosen(const Arguments& arguments) {
  ToRun toRun;
  toRun.choice = chooseTests(arguments);
  toRun.tests = testsToRun(toRun.choice, arguments.rest());
  toRun.programs = programsOf(toRun.tests);
  return toRun;
}

// Says why nothing runs, and returns the status.
int endWithoutTests(const selection::Choice& choice) {
  if (choice.tests.empty() && choice.inOtherShards > 0) {
    std::cerr << "muster: other shards have the selected tests\n";
    return kExitOk;
  }
  std::cerr << "muster: no test was selected\n";
  return kExitNothingRan;
}

std::vector<std::string> idsOf(const std::vector<selection::ListedTest>& tests) {
  std::vector<std::string> ids;
  for (const selection::ListedTest& test : tests) ids.push_back(test.id());
  return ids;
}

// Puts new tests on probation. Returns what people should know of that.
std::vector<std::string> setProbation(const Arguments& arguments, const ToRun& toRun,
                                      runner::RunnerOptions& options) {
  verdict::ProbationPlan probation = probationFor(arguments, idsOf(toRun.tests));
  options.onProbation = std::move(probation.tests);
  return std::move(probation.notes);
}

// Shows the plan. The times are looked up only now, because the history may have to be read first.
int showPlan(const Arguments& arguments, const ToRun& toRun, const runner::RunnerOptions& options,
             const std::vector<std::string>& notes) {
  std::string order = arguments[kOrder];
  if (order.empty()) order = arguments.has(kShuffleSeed) ? "shuffled" : "declared";
  RunPlan plan = planRun({.programs = toRun.programs,
                          .tests = toRun.tests,
                          .choice = toRun.choice,
                          .options = options,
                          .cluster = arguments[kCluster],
                          .order = order,
                          .today = verdict::today(),
                          .times = knownTimes(idsOf(toRun.tests))});
  plan.notes.insert(plan.notes.end(), notes.begin(), notes.end());
  if (arguments[kJson]) {
    printJson(planJson(plan));
  } else {
    std::cout << planText(plan);
  }
  if (plan.countRunnable() == 0) return kExitNothingRan;
  return kExitOk;
}

// Reports are written where there is a place for them: a run is green only with them.
void writeReportsOf(const Arguments& arguments, runner::RunEnding& ending) {
  // A record may be large: it is lent, and not copied.
  std::vector<run::RunRecord> runs;
  runs.push_back(std::move(ending.record));
  report::MergedRuns merged = report::mergeRuns(std::move(runs));
  try {
    if (!arguments[kNoPage]) writePageOf(merged);
    if (arguments.has(kReportDirectory)) {
      writeReports(arguments[kReportDirectory], merged.runs.front());
    }
  } catch (const SystemError& error) {
    std::cerr << "muster: " << error.what() << "\n";
    if (ending.exitStatus == kExitPassed) ending.exitStatus = kExitInfrastructure;
  }
  ending.record = std::move(merged.runs.front());
}

int runTests(const Arguments& arguments) {
  if (asksForList(arguments.rest())) return listOnly(arguments);
  std::string runId = chooseRunId(arguments[kRunId]);
  runner::RunnerOptions options = runnerOptions(arguments, runId);
  bool isDry = arguments[kDryRun];
  if (arguments.has(kReportDirectory) && !isDry) {
    prepareReports(arguments[kReportDirectory], testProgramsOf(arguments));
  }
  ToRun toRun = chosen(arguments);
  if (toRun.programs.empty()) return endWithoutTests(toRun.choice);
  refuseSeveral(toRun.programs, options);
  std::vector<std::string> notes = setProbation(arguments, toRun, options);
  if (isDry) return showPlan(arguments, toRun, options, notes);
  for (const std::string& note : notes) std::cerr << "muster: " << note << "\n";
  // The history is read for the live line only, since its index may have to be made first.
  if (runner::displayOptions().isTerminal) {
    options.usualSeconds = knownTimes(idsOf(toRun.tests)).seconds;
  }
  std::optional<OutputToErrors> aside;
  if (arguments[kJson]) aside.emplace();
  runner::RunEnding ending = runner::runAll(toRun.programs, options);
  writeReportsOf(arguments, ending);
  aside.reset();
  if (arguments[kJson]) printJson(resultsJson(runId, ending));
  return ending.exitStatus;
}

}  // namespace

const Command kRun = {
    .name = "run",
    .usage = "[TEST...] [-- --gtest_...]",
    .summary = "run tests and keep a record of it",
    .options =
        [] {
          OptionList options = {&kCluster, &kDryRun, &kReportDirectory, &kNoPage, &kRunId};
          for (const Option* option : runOptions()) options.push_back(option);
          options.push_back(&kJson);
          return withSelection(options);
        },
    .run = runTests,
    .wordsMost = 1000,
    .rest = Rest::kSeparate,
    .completes = WordKind::kTests,
    .notes = kNotes,
};

}  // namespace harness
