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
#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/provision/choice.h"
#include "harness/runner/test_programs.h"
#include "harness/values/wait_time.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

constexpr TextOption kBinDirectory({
    .name = "bin-dir",
    .value = "DIRECTORY",
    .help = "where the test programs are; by default beside `muster`",
    .completes = WordKind::kDirectories,
});

constexpr TextOption kReportDirectory({
    .name = "report-dir",
    .value = "DIRECTORY",
    .help = "where the reports go; by default ./muster-run-TIME",
    .completes = WordKind::kDirectories,
});

constexpr DurationOption kProgramTimeLimit({
    .name = "program-time-limit",
    .value = "TIME",
    .help = "how long each program may run; then SIGTERM ends it",
    .initial = "1h",
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
    R"(The tests of a component are the program COMPONENT_tests. Without --cluster and
$MUSTER_CLUSTER, each program makes the nodes that it needs. Arguments behind
"--" are passed to each program, such as --gtest_filter=Volume*. Each program
has an XML report in the report directory, also if it crashed or hung. With
--json, what the programs print goes to standard error.

Exit status: 0 if every program passed; 1 if a test failed or a program crashed;
2 if nodes or set-up failed, so that tests could not be tried; 3 if no test ran,
since none was selected or all were skipped. A signal is passed on to the
program that runs, which cancels its tests, tears them down and reports; a
second one makes it give them up, and a third one kills it. Then the signal ends
the run, for which a shell shows 128 plus its number.
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

std::string defaultReportDirectory() {
  std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[64];
  std::strftime(text, sizeof text, "muster-run-%Y%m%dT%H%M%SZ", &utc);
  return std::filesystem::absolute(text);
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

Json resultsJson(const std::string& runId, const std::string& reports,
                 const std::vector<ProgramResult>& results) {
  Json list = Json::array();
  for (const ProgramResult& result : results) {
    list.push_back({{"component", result.component},
                    {"verdict", wordFor(result.verdict)},
                    {"tests", result.tests},
                    {"failed", result.failures},
                    {"skipped", result.skipped},
                    {"seconds", result.seconds},
                    {"reason", result.reason},
                    {"report", result.report}});
  }
  return {{"run", runId},
          {"reports", reports},
          {"status", exitStatusOf(results)},
          {"programs", std::move(list)}};
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
void setNemesis(DriveOptions& drive, const Arguments& arguments) {
  if (arguments.has(kNemesisPlan)) {
    std::string plan = arguments[kNemesisPlan];
    std::vector<std::string> drawn = nemesis::generators();
    bool isFile = std::find(drawn.begin(), drawn.end(), plan) == drawn.end();
    drive.environment[kNemesisVariable] = isFile ? std::filesystem::absolute(plan).string() : plan;
  }
  if (arguments.has(kNemesisSeed)) {
    drive.environment[kNemesisSeedVariable] = std::to_string(arguments[kNemesisSeed]);
  }
  if (arguments.has(kNemesisDuration)) {
    drive.environment[kNemesisDurationVariable] =
        std::to_string(arguments[kNemesisDuration].count()) + "ns";
  }
}

DriveOptions driveOptions(const Arguments& arguments, const std::string& runId) {
  DriveOptions drive;
  drive.timeMax = arguments[kProgramTimeLimit];
  drive.arguments = arguments.rest();
  drive.reportDirectory = std::filesystem::absolute(
      arguments.has(kReportDirectory) ? arguments[kReportDirectory] : defaultReportDirectory());
  drive.environment[kRunIdVariable] = runId;
  if (::getenv(kRunDirectoryVariable) == nullptr) {
    drive.environment[kRunDirectoryVariable] = drive.reportDirectory;
  }
  if (arguments[kEndLeftovers] && arguments[kAdopt]) {
    throw CommandError(kExitUsage, "--end-leftovers and --adopt exclude each other");
  }
  if (arguments[kEndLeftovers]) drive.environment[kEndLeftoversVariable] = "1";
  if (arguments[kAdopt]) drive.environment[kAdoptVariable] = "1";
  if (arguments[kCheckNodes]) drive.environment[kCheckNodesVariable] = "1";
  if (arguments.has(kWaitMultiplier)) {
    drive.environment[kWaitMultiplierVariable] = arguments[kWaitMultiplier];
  }
  setNemesis(drive, arguments);
  std::string cluster = arguments[kCluster];
  if (!cluster.empty()) {
    drive.environment[kClusterVariable] =
        looksLikeFile(cluster) ? std::filesystem::absolute(cluster).string() : cluster;
  }
  return drive;
}

int run(const Arguments& arguments) {
  std::string directory = arguments.has(kBinDirectory) ? arguments[kBinDirectory] : ownDirectory();
  std::vector<TestProgram> programs =
      choose(findTestPrograms(directory), arguments.words(), directory);
  if (arguments[kList]) return list(programs, arguments);
  std::string runId = chooseRunId(arguments[kRunId]);
  DriveOptions options = driveOptions(arguments, runId);
  prepareReports(options.reportDirectory, programs);
  std::vector<ProgramResult> results;
  std::optional<OutputToErrors> aside;
  if (arguments[kJson]) aside.emplace();
  for (const TestProgram& program : programs) {
    std::cerr << "==== " << program.component << "\n";
    results.push_back(drive(program, options));
    if (results.back().stoppedBy == 0) continue;
    noteInterrupt(results.back().stoppedBy);
    break;
  }
  aside.reset();
  if (arguments[kJson]) printJson(resultsJson(runId, options.reportDirectory, results));
  std::cerr << "\n"
            << summaryOf(results) << "run: " << runId << "\nreports: " << options.reportDirectory
            << "\n";
  return exitStatusOf(results);
}

}  // namespace

const Command kRun = {
    .name = "run",
    .usage = "[COMPONENT...] [-- --gtest_...]",
    .summary = "run test programs, one after the other",
    .options =
        [] {
          return OptionList{&kCluster,
                            &kBinDirectory,
                            &kReportDirectory,
                            &kRunId,
                            &kProgramTimeLimit,
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
    .run = run,
    .wordsMost = 1000,
    .rest = Rest::kSeparate,
    .completes = WordKind::kComponents,
    .notes = kNotes,
};

}  // namespace harness
