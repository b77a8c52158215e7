#include "harness/run/test_programs.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include <pugixml.hpp>

#include "harness/os/error.h"
#include "harness/os/files.h"
#include "harness/os/process.h"
#include "schema/support/base/exit_status.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

using enum support::TestExitStatus;

constexpr std::string_view kSuffix = "_tests";

// The time from the signal that asks a program to end until the one that kills it.
constexpr std::chrono::seconds kStopGrace{10};

struct Ending {
  // From waitpid; -1: the program was not started.
  int status = -1;
  bool overdue = false;
  // Killed by the second signal.
  bool insisted = false;
  // The first signal that we were sent.
  int stoppedBy = 0;
  std::string problem;
};

// While it lives, signals that would end us are read instead.
class Interrupts {
 public:
  Interrupts() {
    sigset_t set;
    ::sigemptyset(&set);
    for (int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, number);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    queue_ = Fd(
        static_cast<int>(check(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "read signals")));
  }
  ~Interrupts() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  int descriptor() const { return queue_.get(); }
  const sigset_t& before() const { return before_; }

  // The first signal asks the program to end in a while; the second one kills it.
  void take(const Child& program, Ending& ending, Deadline& deadline) const {
    signalfd_siginfo info;
    while (::read(queue_.get(), &info, sizeof info) == sizeof info) {
      if (ending.stoppedBy != 0) {
        program.signal(SIGKILL);
        ending.insisted = true;
        continue;
      }
      ending.stoppedBy = static_cast<int>(info.ssi_signo);
      deadline = std::min(deadline, after(kStopGrace));
      // A terminal sends its signals to the program as well.
      if (info.ssi_code != SI_KERNEL) program.signal(ending.stoppedBy);
    }
  }

 private:
  sigset_t before_;
  Fd queue_;
};

// Runs a program until it ends, its time is over, or a signal stops us. Signals are taken over
// before the program exists, so that none of them ends us and leaves it behind; the program itself
// gets the signal mask from before.
Ending runProgram(const TestProgram& program, std::vector<std::string> arguments,
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
  Ending ending;
  Interrupts interrupts;
  start.blocked = interrupts.before();
  Child child;
  try {
    child = spawn(start);
  } catch (const SystemError& error) {
    ending.problem = std::string("cannot be started: ") + std::strerror(error.number());
    return ending;
  }
  Deadline deadline = after(options.timeMax);
  while (true) {
    pollfd watched[] = {{child.handle(), POLLIN, 0}, {interrupts.descriptor(), POLLIN, 0}};
    int count = ::poll(watched, 2, millisecondsUntil(deadline));
    if (count < 0 && errno == EINTR) continue;
    if (watched[1].revents != 0) interrupts.take(child, ending, deadline);
    if (watched[0].revents != 0) break;
    if (std::chrono::steady_clock::now() < deadline) continue;
    // The nodes that the program owns end with it.
    child.signal(SIGKILL);
    ending.overdue = true;
    break;
  }
  ending.status = child.endBy(Deadline::max());
  return ending;
}

struct Report {
  // Without disabled ones.
  int tests = 0;
  int failures = 0;
  int skipped = 0;
  // Failures outside of tests, which no test case shows.
  bool errors = false;
};

std::optional<Report> readReport(const std::string& path) {
  pugi::xml_document document;
  if (!document.load_file(path.c_str())) return std::nullopt;
  pugi::xml_node root = document.child("testsuites");
  if (!root) return std::nullopt;
  Report report;
  report.failures = root.attribute("failures").as_int();
  report.errors = root.attribute("errors").as_int() > 0;
  for (pugi::xml_node suite : root.children("testsuite")) {
    for (pugi::xml_node test : suite.children("testcase")) {
      if (std::strcmp(test.attribute("status").value(), "run") != 0) continue;
      ++report.tests;
      if (std::strcmp(test.attribute("result").value(), "skipped") == 0) ++report.skipped;
    }
  }
  return report;
}

// Judges from the surest sign to the weakest. How the process ended comes before its status, and
// the status before the report: a report of passed tests proves nothing for a program that crashed,
// and status 0 proves nothing without a report.
void judge(ProgramResult& result, const Ending& ending, const std::optional<Report>& report,
           bool premature) {
  result.verdict = Verdict::kFailed;
  if (!ending.problem.empty()) {
    result.verdict = Verdict::kInfrastructure;
    result.reason = ending.problem;
  } else if (ending.stoppedBy != 0) {
    std::string name = "SIG" + std::string(::sigabbrev_np(ending.stoppedBy));
    result.reason = "stopped by " + name;
    if (ending.insisted) result.reason += "; a second signal killed it";
    if (ending.overdue) result.reason += "; did not end within 10 s and was killed";
  } else if (ending.overdue) {
    result.reason = "timed out and was killed";
  } else if (WIFSIGNALED(ending.status)) {
    result.reason = "crashed: signal " + std::to_string(WTERMSIG(ending.status)) + " (" +
                    ::strsignal(WTERMSIG(ending.status)) + ")";
  } else if (WEXITSTATUS(ending.status) == kExitNothingSelected) {
    result.verdict = Verdict::kNothingSelected;
  } else if (premature) {
    result.reason = "ended with status " + std::to_string(WEXITSTATUS(ending.status)) +
                    " before its tests were over; something in it called exit";
  } else if (WEXITSTATUS(ending.status) == kExitInfrastructure) {
    result.verdict = Verdict::kInfrastructure;
  } else if (WEXITSTATUS(ending.status) != 0) {
    if (WEXITSTATUS(ending.status) != kExitFailed) {
      result.reason = "ended with status " + std::to_string(WEXITSTATUS(ending.status));
    }
  } else if (!report) {
    result.reason = "ended with status 0 and wrote no report";
  } else if (report->failures > 0 || report->errors) {
    result.reason = "ended with status 0, yet its report has failures";
  } else {
    result.verdict = report->tests == 0 ? Verdict::kNothingSelected : Verdict::kPassed;
  }
}

}  // namespace

const char* wordFor(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPassed:
      return "passed";
    case Verdict::kNothingSelected:
      return "no test selected";
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

ProgramResult drive(const TestProgram& program, const DriveOptions& options) {
  ProgramResult result;
  result.component = program.component;
  makeDirectories(options.reportDirectory);
  result.report = options.reportDirectory + "/" + program.component + ".xml";
  std::string premature = options.reportDirectory + "/" + program.component + ".unfinished";
  std::filesystem::remove(result.report);
  std::filesystem::remove(premature);
  std::vector<std::string> arguments = options.arguments;
  arguments.push_back("--gtest_output=xml:" + result.report);
  DriveOptions own = options;
  own.environment["TEST_PREMATURE_EXIT_FILE"] = premature;
  auto start = std::chrono::steady_clock::now();
  Ending ending = runProgram(program, std::move(arguments), own);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  // A program that does not end by muster::main may have left bytes of nodes in it.
  rewriteFile(result.report, support::xmlRepaired);
  std::optional<Report> report = readReport(result.report);
  if (report) {
    result.tests = report->tests;
    result.failures = report->failures;
    result.skipped = report->skipped;
  }
  result.stoppedBy = ending.stoppedBy;
  judge(result, ending, report, std::filesystem::exists(premature));
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
  return any(Verdict::kPassed) ? 0 : kExitNothingSelected;
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
