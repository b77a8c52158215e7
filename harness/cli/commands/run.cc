// run: test programs, one after the other.
#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <iostream>
#include <optional>

#include "harness/cli/clusters.h"
#include "harness/cli/command.h"
#include "harness/cli/connections.h"
#include "harness/cli/table.h"
#include "harness/cluster/run_id.h"
#include "harness/os/system.h"
#include "harness/run/test_programs.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

constexpr char kFooter[] = R"(
A component's tests are the program COMPONENT_tests. What follows "--" is handed to each program,
such as --gtest_filter=Volume*. Each writes its XML report to the report directory.

Exit status: 0 every program passed; 1 a test failed or a program crashed; 2 nodes or set-up failed,
so that tests could not be tried; 3 no test was selected; 128 and a signal's number if that ended
it. A signal is passed on to the program that runs; a second one kills it.
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

// What is written to standard output goes to standard error, until it goes.
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

}  // namespace

int runRun(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  options.add_options()("cluster",
                        "name or file; default: each program makes the nodes that it needs",
                        cxxopts::value<std::string>()->default_value(""))(
      "bin-dir", "where the programs are",
      cxxopts::value<std::string>()->default_value(self.parent_path().string()))(
      "report-dir", "where the reports go; default: ./muster-run-TIME",
      cxxopts::value<std::string>()->default_value(""))(
      "run-id",
      "the label of all that is started on nodes; default: $MUSTER_RUN_ID, else a new one",
      cxxopts::value<std::string>()->default_value(""))(
      "timeout", "time that each program is allowed",
      cxxopts::value<std::string>()->default_value("1h"))("l,list", "only list the components")(
      "json", "the summary as JSON; what the programs print goes to standard error");
  cxxopts::ParseResult arguments = parseArguments(invocation, options, kFooter);
  std::string directory = arguments["bin-dir"].as<std::string>();
  std::vector<std::string> wanted = positional(arguments, invocation, 0, 1000);
  std::vector<TestProgram> programs = choose(findTestPrograms(directory), wanted, directory);
  if (arguments.count("list") != 0) {
    if (arguments.count("json") != 0) {
      Json names = Json::array();
      for (const TestProgram& program : programs) names.push_back(program.component);
      printJson({{"components", std::move(names)}});
      return 0;
    }
    for (const TestProgram& program : programs) std::cout << program.component << "\n";
    return 0;
  }
  DriveOptions drive;
  drive.timeMax = durationOption(arguments["timeout"].as<std::string>(), "timeout");
  drive.arguments = invocation.rest;
  drive.reportDirectory = arguments["report-dir"].as<std::string>();
  if (drive.reportDirectory.empty()) drive.reportDirectory = defaultReportDirectory();
  drive.reportDirectory = std::filesystem::absolute(drive.reportDirectory);
  std::string runId = chooseRunId(arguments["run-id"].as<std::string>());
  drive.environment[kRunIdVariable] = runId;
  std::string cluster = arguments["cluster"].as<std::string>();
  if (!cluster.empty()) {
    drive.environment["MUSTER_CLUSTER"] =
        looksLikeFile(cluster) ? std::filesystem::absolute(cluster).string() : cluster;
  }
  std::vector<ProgramResult> results;
  bool asJson = arguments.count("json") != 0;
  std::optional<OutputToErrors> aside;
  if (asJson) aside.emplace();
  for (const TestProgram& program : programs) {
    std::cerr << "==== " << program.component << "\n";
    results.push_back(harness::drive(program, drive));
    if (results.back().stoppedBy != 0) break;
  }
  aside.reset();
  if (asJson) printJson(resultsJson(runId, drive.reportDirectory, results));
  std::cerr << "\n"
            << summaryOf(results) << "run: " << runId << "\nreports: " << drive.reportDirectory
            << "\n";
  return exitStatusOf(results);
}

}  // namespace harness
