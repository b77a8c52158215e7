// bisect: finds which earlier tests make a test fail.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/bisect_plan.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/planned_tests.h"
#include "harness/cli/report_words.h"
#include "harness/cli/table.h"
#include "harness/cluster/run_id.h"
#include "harness/os/files.h"
#include "harness/os/shell_words.h"
#include "harness/provision/choice.h"
#include "harness/run/run_directory.h"
#include "harness/runner/interference.h"
#include "schema/support/base/exit_status.h"

namespace harness {
namespace {

using runner::Interference;
using runner::TrialEnd;
using enum support::TestExitStatus;

constexpr CountOption kAgain(
    {
        .name = "again",
        .value = "NUMBER",
        .help = "how often to try what all depends on: alone, and after the result",
        .initial = "3",
    },
    {.least = 1, .most = 100});

constexpr CountOption kMaxRuns(
    {
        .name = "max-runs",
        .value = "NUMBER",
        .help = "how many runs to make at most",
        .initial = "100",
    },
    {.least = 1, .most = 10'000});

constexpr TextOption kInto({
    .name = "into",
    .value = "DIRECTORY",
    .help = "where the runs go; by default ./muster-runs/bisect-ID",
    .completes = WordKind::kDirectories,
});

constexpr char kNotes[] =
    R"(RUN is the directory of a run, its id in ./muster-runs or the beginning of one,
or "latest"; TEST is COMPONENT/SUITE.NAME, which failed in it. The tests that
began before it run again in their order and processes, and TEST behind them:
all of them, none, and then ever fewer, until no test can be left out. Each step
is a run of its own.

Exit status: 0 if the tests were found that make TEST fail; 1 if it fails alone,
fails no more, is flaky, or --max-runs was not enough; 2 if a step could not be
tried; 4 if a step was cancelled; 65 if TEST did not fail in RUN; 66 if there is
no such run or test.
)";

std::string secondsOf(std::chrono::steady_clock::time_point begin) {
  char text[32];
  std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  std::snprintf(text, sizeof text, "%.1f s", taken.count());
  return text;
}

// Runs the steps, and says what each has come to.
class Steps {
 public:
  // `out` is told what people should know.
  Steps(BisectPlan plan, std::string directory, std::ostream& out)
      : plan_(std::move(plan)), directory_(std::move(directory)), out_(out) {}

  TrialEnd run(const runner::Places& earlier) {
    char name[32];
    std::snprintf(name, sizeof name, "step-%03d", ++count_);
    std::string directory = directory_ + "/" + name;
    out_ << name << ": " << whatOf(earlier) << ": " << std::flush;
    auto begin = std::chrono::steady_clock::now();
    runner::RunEnding ending = runner::runAll(programsOf(earlier), optionsFor(directory));
    const run::TestResult* test = resultIn(ending.result);
    run::Outcome outcome = test == nullptr ? run::Outcome::kNotRun : test->outcome;
    out_ << run::wordOf(outcome) << " (" << secondsOf(begin) << ")  " << directory << std::endl;
    refuseUntried(outcome, ending);
    bool hasPassed = outcome == run::Outcome::kPassed || outcome == run::Outcome::kSkipped;
    return hasPassed ? TrialEnd::kPasses : TrialEnd::kFails;
  }

  // Writes the tests of the result as a list for `muster run`, and returns the command for it.
  std::string writeList(const runner::Places& earlier) const {
    std::string text = "# " + plan_.test.id() + " fails after these tests.\n";
    for (size_t place : earlier) text += plan_.earlier[place].id() + "\n";
    std::string path = directory_ + "/repeat.list";
    putFile(path, text + plan_.test.id() + "\n", 0644);
    return "muster run --list-file " + shellWord(path) + plan_.words;
  }

  const BisectPlan& plan() const { return plan_; }

 private:
  std::string whatOf(const runner::Places& earlier) const {
    if (earlier.empty()) return "alone";
    size_t all = plan_.earlier.size();
    if (earlier.size() == 1) return "after " + plan_.earlier[earlier.front()].id();
    return "after " + std::to_string(earlier.size()) + " of " + std::to_string(all) +
           " earlier tests, " + plan_.earlier[earlier.front()].id() + " to " +
           plan_.earlier[earlier.back()].id();
  }

  std::vector<runner::PlannedProgram> programsOf(const runner::Places& earlier) const {
    std::vector<runner::PlannedProgram> programs;
    for (size_t place : earlier) addTo(programs, plan_.earlier[place]);
    addTo(programs, plan_.test);
    return programs;
  }

  runner::RunnerOptions optionsFor(const std::string& directory) const {
    runner::RunnerOptions options = plan_.options;
    options.runId = newRunId();
    options.runDirectory = directory;
    options.environment[kRunIdVariable] = options.runId;
    options.environment[kRunDirectoryVariable] = directory;
    return options;
  }

  const run::TestResult* resultIn(const run::RunResult& result) const {
    for (const run::TestResult& test : result.tests) {
      if (test.id() == plan_.test.id()) return &test;
    }
    return nullptr;
  }

  // A step of which nothing follows ends the search.
  void refuseUntried(run::Outcome outcome, const runner::RunEnding& ending) const {
    if (ending.result.count(run::Outcome::kCancelled) > 0 || ending.exitStatus == kExitCancelled) {
      throw CommandError(kExitCancelled, "a step was cancelled");
    }
    bool isUntried = outcome == run::Outcome::kInfrastructure || outcome == run::Outcome::kNotRun;
    if (!isUntried) return;
    throw CommandError(kExitInfrastructure,
                       plan_.test.id() + " could not be tried; see " + ending.record.directory);
  }

  const BisectPlan plan_;
  const std::string directory_;
  std::ostream& out_;
  int count_ = 0;
};

std::string verdictOf(const Interference& found, const std::string& test) {
  switch (found.ending) {
    case Interference::Ending::kFound:
      return found.tests.size() == 1
                 ? "this test makes " + test + " fail:"
                 : "these tests together make " + test + " fail, and none can be left out:";
    case Interference::Ending::kFailsAlone:
      return test + " fails alone: no earlier test makes it fail";
    case Interference::Ending::kFailsNoMore:
      return test + " fails no more after the earlier tests";
    case Interference::Ending::kFlaky:
      return test + " is flaky: equal steps had different ends, so that nothing is proved";
    case Interference::Ending::kTrialsOver:
      break;
  }
  return "--max-runs is over; " + test + " fails after these tests, perhaps after fewer:";
}

int bisect(const Arguments& arguments) {
  run::RunRecord record = recordedRun(arguments.word(0));
  std::string directory = arguments.has(kInto)
                              ? std::filesystem::absolute(arguments[kInto]).string()
                              : run::defaultRunDirectory("bisect-" + newRunId());
  std::ostream& out = arguments[kJson] ? std::cerr : std::cout;
  Steps steps(readBisectPlan(record, arguments.word(1)), directory, out);
  const BisectPlan& plan = steps.plan();
  for (const std::string& gone : plan.gone) {
    std::cerr << "muster bisect: no program has the test " << gone << " any more\n";
  }
  makeDirectories(directory);
  Interference found =
      runner::findInterference({.earlier = plan.earlier.size(),
                                .again = static_cast<int>(arguments[kAgain]),
                                .trialsMax = static_cast<int>(arguments[kMaxRuns])},
                               [&](const runner::Places& earlier) { return steps.run(earlier); });
  out << verdictOf(found, plan.test.id()) << "\n";
  Json tests = Json::array();
  for (size_t place : found.tests) {
    tests.push_back(plan.earlier[place].id());
    out << "  " << plan.earlier[place].id() << "\n";
  }
  std::string command = found.tests.empty() ? "" : steps.writeList(found.tests);
  if (!command.empty()) out << "to repeat:\n  " << command << "\n";
  if (arguments[kJson]) {
    printJson({{"test", plan.test.id()},
               {"ending", runner::wordOf(found.ending)},
               {"tests", std::move(tests)},
               {"runs", found.trials},
               {"directory", directory},
               {"command", command}});
  }
  return found.ending == Interference::Ending::kFound ? kExitPassed : kExitFailed;
}

}  // namespace

const Command kBisect = {
    .name = "bisect",
    .usage = "RUN TEST",
    .summary = "find which earlier tests make a test fail",
    .options =
        [] {
          return OptionList{&kAgain, &kMaxRuns, &kInto, &kJson};
        },
    .run = bisect,
    .wordsLeast = 2,
    .wordsMost = 2,
    .completes = WordKind::kStoredRuns,
    .notes = kNotes,
};

}  // namespace harness
