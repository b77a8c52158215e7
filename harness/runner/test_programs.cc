#include "harness/runner/test_programs.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/os/process.h"
#include "harness/runner/program_run.h"
#include "harness/runner/test_report.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using enum support::TestExitStatus;

constexpr std::string_view kSuffix = "_tests";

// Runs a test program with the environment of `options`.
ProgramEnding run(const TestProgram& program, std::vector<std::string> arguments,
                  const DriveOptions& options) {
  SpawnOptions start;
  start.argv = std::move(arguments);
  start.argv.insert(start.argv.begin(), program.path);
  start.environment.emplace();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string variable = *entry;
    if (options.environment.count(variable.substr(0, variable.find('='))) == 0)
      start.environment->push_back(variable);
  }
  for (const auto& [name, value] : options.environment) {
    start.environment->push_back(name + "=" + value);
  }
  return runProgram(std::move(start), options.timeMax, Interrupts());
}

// Returns the value that a program has of an environment variable. Empty: none.
std::string variable(const DriveOptions& options, const char* name) {
  auto own = options.environment.find(name);
  if (own != options.environment.end()) return own->second;
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The caller wants a report of gtest in a place of their own. gtest writes only one.
bool wantsOwnReport(const DriveOptions& options) {
  for (const std::string& argument : options.arguments) {
    if (argument.starts_with("--gtest_output=")) return true;
  }
  return !variable(options, "GTEST_OUTPUT").empty() ||
         !variable(options, "XML_OUTPUT_FILE").empty();
}

// gtest takes a flag with any value for set, but for those that begin as "false" or "0" do.
bool asksForList(const DriveOptions& options) {
  constexpr std::string_view kFlag = "--gtest_list_tests";
  for (const std::string& argument : options.arguments) {
    if (!argument.starts_with(kFlag)) continue;
    std::string value = argument.substr(kFlag.size());
    if (value.empty()) return true;
    if (value[0] == '=') return value.size() < 2 || std::strchr("0fF", value[1]) == nullptr;
  }
  return false;
}

// Another shard has the first of the selected tests, so this one may have none.
bool isLaterShard(const DriveOptions& options) {
  return std::atoi(variable(options, "GTEST_SHARD_INDEX").c_str()) > 0;
}

// Returns what is wrong with an ending that is none of a program's own. Empty: nothing is.
std::string violenceOf(const ProgramEnding& ending) {
  if (ending.stoppedBy != 0) {
    std::string text = "stopped by SIG" + std::string(::sigabbrev_np(ending.stoppedBy));
    if (ending.insisted) text += "; a third signal killed it";
    if (ending.overdue) {
      text += "; did not end within " + std::to_string(kStopGrace.count()) + " s and was killed";
    }
    return text;
  }
  if (ending.overdue) return "timed out and was killed";
  if (!WIFSIGNALED(ending.status)) return "";
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (WTERMSIG(ending.status) != number) continue;
    return "was ended by SIG" + std::string(::sigabbrev_np(number));
  }
  return "crashed: signal " + std::to_string(WTERMSIG(ending.status)) + " (" +
         ::strsignal(WTERMSIG(ending.status)) + ")";
}

enum class Shard { kOnlyOrFirst, kLater };

// Judges from the surest sign to the weakest. How the process ended comes before its status, and
// the status before the report: a report of passed tests proves nothing for a program that crashed,
// and status 0 proves nothing without a report.
void judge(ProgramResult& result, const ProgramEnding& ending, const std::optional<Report>& report,
           Shard shard, bool premature) {
  result.verdict = Verdict::kFailed;
  result.reason = violenceOf(ending);
  if (!result.reason.empty()) return;
  int status = WEXITSTATUS(ending.status);
  if (!ending.problem.empty()) {
    result.verdict = Verdict::kInfrastructure;
    result.reason = ending.problem;
  } else if (status == kExitNothingRan) {
    result.verdict = Verdict::kNothingRan;
  } else if (premature) {
    result.reason = "ended with status " + std::to_string(status) +
                    " before its tests were over; something in it called exit";
  } else if (status == kExitInfrastructure) {
    result.verdict = Verdict::kInfrastructure;
  } else if (status != 0) {
    if (status != kExitFailed) result.reason = "ended with status " + std::to_string(status);
  } else if (!report) {
    result.reason = "ended with status 0 and wrote no report";
  } else if (report->failures > 0 || report->errors) {
    result.reason = "ended with status 0, yet its report has failures";
  } else if (report->tests == 0 && shard == Shard::kLater) {
    result.verdict = Verdict::kInOtherShards;
  } else {
    result.verdict = report->tests > report->skipped ? Verdict::kPassed : Verdict::kNothingRan;
  }
}

// Makes up for a report that gtest did not write: the program was ended before, or gtest wrote
// where the caller wanted it.
void reportFrom(const support::TestJournal& journal, ProgramResult& result) {
  bool isBad = result.verdict == Verdict::kFailed || result.verdict == Verdict::kInfrastructure;
  std::string problem = isBad && !journal.isComplete ? result.reason : "";
  if (isBad && !journal.isComplete && problem.empty()) problem = "ended before its tests did";
  try {
    writeReport(result.report, result.component, journal, problem);
  } catch (const SystemError& error) {
    result.reason += (result.reason.empty() ? "" : "; ") + std::string(error.what());
  }
}

// The files of one program in the report directory.
struct ReportPaths {
  ReportPaths(const std::string& directory, const TestProgram& program) {
    std::string path = directory + "/" + program.component;
    report = path + ".xml";
    premature = path + ".unfinished";
    journal = path + ".journal";
  }
  std::string report;
  // gtest's own, which it removes at its end.
  std::string premature;
  std::string journal;
};

}  // namespace

const char* wordFor(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kNothingRan:
      return "no test ran";
    case Verdict::kInOtherShards:
      return "in other shards";
    case Verdict::kListed:
      return "listed";
    case Verdict::kInfrastructure:
      return "INFRASTRUCTURE";
    default:
      return "FAILED";
  }
}

std::vector<TestProgram> findTestPrograms(const std::string& directory) {
  std::vector<TestProgram> programs;
  for (const std::string& name : namesIn(directory)) {
    std::string path = directory + "/" + name;
    if (name.size() <= kSuffix.size() || !name.ends_with(kSuffix) ||
        ::access(path.c_str(), X_OK) != 0)
      continue;
    programs.push_back({name.substr(0, name.size() - kSuffix.size()), path});
  }
  return programs;
}

void prepareReports(const std::string& directory, const std::vector<TestProgram>& programs) {
  makeDirectories(directory);
  for (const TestProgram& program : programs) {
    ReportPaths paths(directory, program);
    for (const std::string& path : {paths.report, paths.premature, paths.journal}) {
      std::error_code error;
      std::filesystem::remove(path, error);
      if (error) failSystem("remove " + path + " of an earlier run", error.value());
    }
  }
  // Root may write where nobody can, so that only trying tells.
  std::string probe = directory + "/.muster-XXXXXX";
  Fd file(::mkostemp(probe.data(), O_CLOEXEC));
  check(file.get(), "make a report in " + directory);
  ::unlink(probe.c_str());
}

ProgramResult drive(const TestProgram& program, const DriveOptions& options) {
  ProgramResult result;
  result.component = program.component;
  prepareReports(options.reportDirectory, {program});
  ReportPaths paths(options.reportDirectory, program);
  result.report = paths.report;
  const std::string& premature = paths.premature;
  const std::string& journalPath = paths.journal;
  bool lists = asksForList(options);
  std::vector<std::string> arguments = options.arguments;
  if (!lists && !wantsOwnReport(options))
    arguments.push_back("--gtest_output=xml:" + result.report);
  DriveOptions own = options;
  own.environment["TEST_PREMATURE_EXIT_FILE"] = premature;
  own.environment[support::kTestJournalVariable] = journalPath;
  auto start = std::chrono::steady_clock::now();
  ProgramEnding ending = run(program, std::move(arguments), own);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.stoppedBy = ending.stoppedBy;
  if (lists && ending.problem.empty() && ending.status == 0) {
    result.verdict = Verdict::kListed;
    return result;
  }
  support::TestJournal journal = support::parseTestJournal(readIfPresent(journalPath));
  std::filesystem::remove(journalPath);
  // A program that does not end by muster::main may have left bytes of nodes in it.
  rewriteFile(result.report, support::xmlRepaired);
  std::optional<Report> written = readReport(result.report);
  std::optional<Report> report = written;
  if (!written && (journal.isComplete || !journal.tests.empty())) report = reportOf(journal);
  if (report) {
    result.tests = report->tests;
    result.failures = report->failures;
    result.skipped = report->skipped;
  }
  bool isProof = written || journal.isComplete;
  judge(result, ending, isProof ? report : std::nullopt,
        isLaterShard(options) ? Shard::kLater : Shard::kOnlyOrFirst,
        std::filesystem::exists(premature));
  if (result.verdict == Verdict::kFailed && !journal.tests.empty()) {
    const support::TestRecord& last = journal.tests.back();
    bool isRunning = last.result == support::TestRecord::Result::kRunning;
    if (isRunning) result.reason += " in " + last.suite + "." + last.name;
  }
  if (!written) reportFrom(journal, result);
  return result;
}

int exitStatusOf(const std::vector<ProgramResult>& results) {
  for (const ProgramResult& result : results) {
    if (result.stoppedBy != 0) return 128 + result.stoppedBy;
  }
  auto any = [&results](Verdict verdict) {
    return std::any_of(results.begin(), results.end(), [verdict](const ProgramResult& result) {
      return result.verdict == verdict;
    });
  };
  if (any(Verdict::kFailed)) return kExitFailed;
  if (any(Verdict::kInfrastructure)) return kExitInfrastructure;
  bool isGood = any(Verdict::kPassed) || any(Verdict::kInOtherShards) || any(Verdict::kListed);
  return isGood ? kExitPassed : kExitNothingRan;
}

std::string summaryOf(const std::vector<ProgramResult>& results) {
  std::string text;
  for (const ProgramResult& result : results) {
    char line[256];
    std::snprintf(line, sizeof line, "%-16s %-16s %4d tests, %d failed, %d skipped, %.1f s",
                  result.component.c_str(), wordFor(result.verdict), result.tests, result.failures,
                  result.skipped, result.seconds);
    text += line;
    if (!result.reason.empty()) text += ": " + result.reason;
    text += "\n";
    bool look = result.verdict == Verdict::kFailed || result.verdict == Verdict::kInfrastructure;
    if (look && ::access(result.report.c_str(), F_OK) == 0)
      text += "                 report: " + result.report + "\n";
  }
  return text;
}

}  // namespace harness
