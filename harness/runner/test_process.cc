#include "harness/runner/test_process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>

#include "harness/os/files.h"
#include "harness/run/hold.h"
#include "harness/run/nodes_making.h"
#include "harness/run/program_variables.h"
#include "harness/runner/gtest_report.h"
#include "harness/stacks/stack_file.h"
#include "schema/support/base/duration.h"
#include "schema/support/base/exit_status.h"

namespace harness::runner {
namespace {

using enum support::TestExitStatus;
using run::Outcome;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

std::string signalText(int number) {
  return "SIG" + std::string(::sigabbrev_np(number));
}

std::string timeText(nanoseconds time) {
  return support::durationText(time.count());
}

class Process {
 public:
  Process(const ProcessStart& start, const ProcessEvents& events)
      : start_(start), events_(events), record_(start.record), begin_(steady_clock::now()) {}

  ProcessResult run(const Interrupts& interrupts) {
    ProgramWatch watch{
        .started = [this](pid_t pid) { pid_ = pid; },
        .look = [this](const auto& takeOutput) { return look(takeOutput); },
        .inner =
            [this] { return start_.under.empty() || record_.isClosed() ? 0 : record_.process(); },
        .interruptsAre =
            start_.isDebugged ? TerminalInterrupts::kOthers : TerminalInterrupts::kOurs,
        .output = events_.output};
    ending_ = runProgram(spawnOptions(), watch, interrupts);
    takeNews();
    noteOverdueEnd(nullptr);
    if (!record_.hasBegun()) takeReport();
    takeStacks();
    judge();
    std::error_code ignored;
    std::filesystem::remove(premature(), ignored);
    std::filesystem::remove(makingFile(), ignored);
    std::filesystem::remove(start_.report, ignored);
    return std::move(result_);
  }

 private:
  std::string premature() const { return start_.record + ".running"; }
  std::string makingFile() const { return start_.record + ".making"; }

  // A program that came to its end although it was asked where it is has nothing to tell.
  void takeStacks() {
    std::string crash = start_.record + stacks::kCrashSuffix;
    std::string threads = start_.record + stacks::kThreadsSuffix;
    result_.crash = stacks::tellFile(crash);
    if (!ending_.ended.empty() || ending_.overdue) result_.threads = stacks::tellFile(threads);
    std::error_code ignored;
    std::filesystem::remove(crash, ignored);
    std::filesystem::remove(threads, ignored);
  }

  // Returns what its stack says of the end: " in F at FILE:LINE".
  std::string placeOfCrash() const {
    if (!result_.crash) return "";
    std::string text;
    if (!result_.crash->where.empty()) text += " " + result_.crash->where;
    if (!result_.crash->exception.empty()) text += ": " + result_.crash->exception;
    return text;
  }

  SpawnOptions spawnOptions() const {
    SpawnOptions spawn;
    spawn.argv = start_.command();
    std::map<std::string, std::string> own = start_.environment;
    own["TEST_PREMATURE_EXIT_FILE"] = premature();
    own[run::kMakingVariable] = makingFile();
    own[run::kRecordVariable] = start_.record;
    own[run::kWriterVariable] = "";
    spawn.environment = environmentWith(own);
    return spawn;
  }

  // What a test has printed belongs to it, and was written before the record says that it has
  // ended.
  void takeNews(const std::function<void()>& takeOutput = {}) {
    std::vector<LiveTest> news = record_.news();
    if (!news.empty() && takeOutput) takeOutput();
    for (const LiveTest& test : news) {
      if (events_.news) events_.news(test);
    }
    bool isHeld = record_.hold() && record_.hold()->because.empty();
    if (isHeld == isHeld_) return;
    isHeld_ = isHeld;
    if (events_.holds) events_.holds(*record_.hold());
  }

  // The time since `begin`, at which tests had been held for `heldBefore`, without that of holds.
  nanoseconds timeSince(steady_clock::time_point begin, nanoseconds heldBefore) const {
    return steady_clock::now() - begin - (heldTime() - heldBefore);
  }

  nanoseconds heldTime() const {
    nanoseconds overdue = overdueSince_ ? steady_clock::now() - *overdueSince_ : nanoseconds(0);
    return record_.heldTime() + overdueTime_ + overdue;
  }

  // Somebody may look at a test that is over its time, before it is ended. The other limits wait.
  bool isHeldOverdue(const std::string& test, const std::string& because) {
    bool wasHeld = overdueTest_ == test && !overdueSince_;
    if (!events_.holdsOverdue || wasHeld) return false;
    if (!overdueSince_) overdueSince_ = steady_clock::now();
    overdueTest_ = test;
    if (events_.holdsOverdue(test, because, record_.process())) return true;
    endOverdue();
    return false;
  }

  void endOverdue() {
    if (!overdueSince_) return;
    overdueTime_ += steady_clock::now() - *overdueSince_;
    overdueSince_.reset();
  }

  // A test that somebody looked at may end all the same.
  void noteOverdueEnd(const LiveTest* running) {
    if (!overdueSince_ || (running != nullptr && running->name == overdueTest_)) return;
    events_.holdsOverdue(overdueTest_, "", 0);
    endOverdue();
  }

  // Says why the process is to end. The first limit that is over counts.
  std::string look(const std::function<void()>& takeOutput) {
    takeNews(takeOutput);
    if (events_.look) events_.look([this] { return runningNow(); });
    if (start_.isDebugged) return cancelled();
    if (start_.timeMax.count() > 0 && timeSince(begin_, nanoseconds(0)) > start_.timeMax) {
      cause_ = Outcome::kTimedOut;
      return start_.timeName + " is over (" + timeText(start_.timeMax) + ")";
    }
    const LiveTest* test = record_.running();
    noteOverdueEnd(test);
    if (test == nullptr) return "";
    if (nanoseconds limit = limitOf(test->name);
        limit.count() > 0 &&
        steady_clock::now() - test->seenBegin - (record_.heldTime() - test->heldBefore) >
            limit + start_.overrun) {
      std::string because = "the time of the test is over (" + timeText(limit) + ")";
      if (!isHeldOverdue(test->name, because)) {
        cause_ = Outcome::kTimedOut;
        return because;
      }
    }
    return cancelled();
  }

  std::string cancelled() {
    const LiveTest* test = record_.running();
    if (test == nullptr || !events_.cancels) return "";
    std::string reason = events_.cancels(test->name);
    if (!reason.empty()) cause_ = Outcome::kCancelled;
    return reason;
  }

  RunningNow runningNow() const {
    auto now = steady_clock::now();
    RunningNow running{.pid = pid_, .elapsed = timeSince(begin_, nanoseconds(0))};
    if (const LiveTest* test = record_.running()) {
      running.test = test->name;
      running.elapsed = timeSince(test->seenBegin, test->heldBefore);
      running.nodes = test->nodes;
      running.step = record_.lastStep();
      if (running.step) running.stepElapsed = now - running.step->seenBegin;
      running.limits.push_back({"the time of the test", limitOf(test->name), running.elapsed});
    }
    if (auto making = run::readMaking(makingFile())) {
      running.work = makingText(*making);
      running.workElapsed = now - making->begin;
    }
    running.limits.push_back({start_.timeName, start_.timeMax, timeSince(begin_, nanoseconds(0))});
    return running;
  }

  nanoseconds limitOf(const std::string& test) const {
    auto own = start_.testMaxOf.find(test);
    nanoseconds limit = own == start_.testMaxOf.end() ? start_.testMax : own->second;
    return std::chrono::duration_cast<nanoseconds>(limit * start_.testFactor);
  }

  // A program with a main of its own has no record, and gtest's report at its end only.
  void takeReport() {
    for (LiveTest& test : testsInReport(start_.report)) {
      if (events_.news) events_.news(test);
      reported_.push_back(std::move(test));
    }
    hasReport_ = std::filesystem::exists(start_.report);
  }

  // Somebody has ended a hold of it, and with that the process.
  bool isReleased() const {
    return record_.hold() && record_.hold()->because == run::kReleased &&
           WIFSIGNALED(ending_.status) && WTERMSIG(ending_.status) == SIGTERM;
  }

  // Says how the process ended, if that was no end of a program by itself.
  void findViolence() {
    Outcome& outcome = result_.outcome;
    std::string& because = result_.because;
    if (!ending_.problem.empty()) {
      outcome = Outcome::kInfrastructure;
      because = ending_.problem;
    } else if (ending_.stoppedBy != 0) {
      outcome = Outcome::kCancelled;
      because = "stopped by " + signalText(ending_.stoppedBy);
      if (ending_.insisted) because += "; a third signal killed it";
    } else if (!ending_.ended.empty()) {
      outcome = cause_;
      because = ending_.ended;
    } else if (start_.isDebugged) {
      // How the debugger ends says nothing of the program, which has its record.
      if (record_.isClosed()) return;
      outcome = Outcome::kCancelled;
      because = "the debugger ended before the program did";
    } else if (isReleased()) {
      outcome = Outcome::kCancelled;
      because = run::kReleased;
      result_.isCharged = true;
    } else if (WIFSIGNALED(ending_.status)) {
      int number = WTERMSIG(ending_.status);
      outcome = Outcome::kCrashed;
      because = "the program was ended by " + signalText(number) + " (" + ::strsignal(number) +
                ")" + placeOfCrash();
    } else if (std::filesystem::exists(premature())) {
      outcome = Outcome::kCrashed;
      because = "the program ended with status " + std::to_string(WEXITSTATUS(ending_.status)) +
                " before its tests were over: something in it called exit or exec" + placeOfCrash();
    }
    if (ending_.overdue) {
      because += "; it did not end within " + timeText(kStopGrace) + " and was killed";
    }
  }

  // The test that ran when the process ended is what the end says of it.
  void takeTests() {
    std::set<std::string> begun;
    std::vector<LiveTest> tests = reported_;
    for (const auto& [id, test] : record_.tests()) {
      if (test.hasBegun) tests.push_back(test);
    }
    for (LiveTest& test : tests) {
      begun.insert(test.name);
      // The program itself knows only that a signal has come.
      bool isCause = test.hasEnded && test.outcome == Outcome::kCancelled && !ending_.ended.empty();
      if (!test.hasEnded) {
        std::chrono::duration<double> time = steady_clock::now() - test.seenBegin;
        test.seconds = time.count();
      }
      if (!test.hasEnded || isCause) {
        test.outcome = result_.outcome == Outcome::kPassed ? Outcome::kCrashed : result_.outcome;
        test.because =
            result_.because.empty() ? "the program ended in the middle of it" : result_.because;
        result_.isCharged = true;
        result_.chargedTest = test.name;
      }
      // gtest skips what it has not begun when a program is cancelled.
      if (test.outcome != Outcome::kNotRun) {
        result_.tests.push_back(std::move(test));
      } else {
        begun.erase(test.name);
      }
    }
    for (const std::string& name : start_.tests) {
      if (!begun.contains(name)) result_.left.push_back(name);
    }
  }

  // Judges from the surest sign to the weakest. How the process ended comes before its status, and
  // the status before the record: passed tests prove nothing for a program that crashed, and status
  // 0 proves nothing without a record.
  void judge() {
    result_.status = ending_.status;
    result_.stoppedBy = ending_.stoppedBy;
    result_.failures = record_.failures();
    result_.held = heldTime();
    findViolence();
    takeTests();
    if (result_.outcome != Outcome::kPassed) return;
    result_.isWhole = true;
    if (start_.isDebugged) return;
    int status = WEXITSTATUS(ending_.status);
    bool isBad = false;
    for (const LiveTest& test : result_.tests) isBad = isBad || !run::isGreen(test.outcome);
    isBad = isBad || !result_.failures.empty();
    auto blame = [&](Outcome outcome, const std::string& because) {
      result_.outcome = outcome;
      result_.because = because;
      result_.isWhole = false;
    };
    if (!record_.hasBegun() && !hasReport_) {
      blame(Outcome::kFailed, "the program ended with status " + std::to_string(status) +
                                  " and left neither a record nor a report of gtest");
    } else if (record_.hasBegun() && !record_.isClosed()) {
      blame(Outcome::kCrashed,
            "the program ended with status " + std::to_string(status) + " before its record did");
    } else if (status == kExitInfrastructure && !isBad) {
      blame(Outcome::kInfrastructure, "the program ended with status 2 (infrastructure)");
    } else if (status != 0 && status != kExitNothingRan && !isBad) {
      blame(Outcome::kFailed,
            "the program ended with status " + std::to_string(status) + ", though no test failed");
    } else if (status == 0 && isBad) {
      blame(Outcome::kFailed, "the program ended with status 0, though tests failed");
    } else if (!result_.left.empty()) {
      blame(Outcome::kFailed, "the program ended with status " + std::to_string(status) + " and " +
                                  std::to_string(result_.left.size()) + " tests did not begin");
    }
  }

  const ProcessStart& start_;
  const ProcessEvents& events_;
  LiveRecord record_;
  steady_clock::time_point begin_;
  pid_t pid_ = 0;
  ProgramEnding ending_;
  ProcessResult result_;
  std::vector<LiveTest> reported_;
  bool hasReport_ = false;
  bool isHeld_ = false;

  // The last test that was held over its time, since when that goes on, and how long it was so
  // before.
  std::string overdueTest_;
  std::optional<steady_clock::time_point> overdueSince_;
  nanoseconds overdueTime_{0};
  Outcome cause_ = Outcome::kTimedOut;
};

}  // namespace

std::vector<std::string> ProcessStart::command() const {
  std::vector<std::string> words = under;
  words.insert(words.end(), argv.begin(), argv.end());
  return words;
}

bool ProcessResult::hasOnePassed() const {
  return tests.size() == 1 && outcome == Outcome::kPassed &&
         tests.front().outcome == Outcome::kPassed;
}

ProcessResult runTests(const ProcessStart& start, const ProcessEvents& events,
                       const Interrupts& interrupts) {
  return Process(start, events).run(interrupts);
}

}  // namespace harness::runner
