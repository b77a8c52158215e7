// Runs one process of a test program for some of its tests, and tells what became of each the
// moment it ends. It neither repeats nor chooses: runner.h does.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/outcome.h"
#include "harness/runner/live_record.h"
#include "harness/runner/program_run.h"
#include "harness/runner/running_now.h"
#include "harness/stacks/story.h"

namespace harness::runner {

struct ProcessStart {
  // The program's path, and arguments such as --gtest_filter=…
  std::vector<std::string> argv = {};

  // A command that runs it, whose last arguments these are. Empty: it runs by itself.
  std::vector<std::string> under = {};

  // That is a debugger, with which somebody works at the terminal: no limit holds, ^C is its own,
  // and its status says nothing.
  bool isDebugged = false;

  // Returns the whole command line.
  std::vector<std::string> command() const;

  // Added to our own environment; an empty value takes a variable away.
  std::map<std::string, std::string> environment = {};

  // Where it writes its record, and where gtest writes its report for a program without one.
  std::string record = {};
  std::string report = {};

  // SUITE.NAME of the tests that it is to run.
  std::vector<std::string> tests = {};

  // Zero: without limit.
  std::chrono::nanoseconds testMax{0};
  std::map<std::string, std::chrono::nanoseconds> testMaxOf = {};

  // Multiplies the limits of tests.
  double testFactor = 1;
  std::chrono::nanoseconds timeMax{0};

  // A test is ended this long after its time: the program itself looks at the nodes first, and
  // fails the test, if it can.
  std::chrono::nanoseconds overrun = std::chrono::seconds(15);

  // Why its time is limited to `timeMax`: "the time of the suite".
  std::string timeName = {};
};

struct ProcessEvents {
  // A test has begun or ended.
  std::function<void(const LiveTest& test)> news = {};
  std::function<void(std::string_view bytes)> output = {};

  // Called again and again while the process lives; `now` tells what it does when it is called,
  // without what it has printed. The test is SUITE.NAME.
  std::function<void(const std::function<RunningNow()>& now)> look = {};
  // A test is held, or is no more (LiveRecord::hold).
  std::function<void(const LiveHold& hold)> holds = {};

  // A test is over its time, for this reason, and somebody may look at it before it is ended. Asked
  // again and again until it returns false. An empty reason says that the test has ended.
  // `process` is that of the program, 0 if it is not known. Unset: nobody looks.
  std::function<bool(const std::string& test, const std::string& because, int process)>
      holdsOverdue = {};

  // Asked again and again; returns why the running test is to be cancelled. Empty: it is not.
  std::function<std::string(const std::string& test)> cancels = {};
};

struct ProcessResult {
  // What became of the tests that began, in that order.
  std::vector<LiveTest> tests = {};

  // Those that did not begin.
  std::vector<std::string> left = {};

  // What went wrong outside of tests.
  std::vector<std::string> failures = {};

  // The worst that the process did by itself, apart from its tests: kPassed is nothing. `because`
  // says what.
  run::Outcome outcome = run::Outcome::kPassed;
  std::string because = {};

  // The wait status; -1: it was not started.
  int status = -1;

  // The signal that we were sent meanwhile. 0: none was.
  int stoppedBy = 0;

  // What the process did is the outcome of one of its tests: SUITE.NAME of it, the last that ran.
  bool isCharged = false;
  std::string chargedTest = {};

  // Where the program was when it crashed or called exit. nullopt: it has left no word of it.
  std::optional<stacks::Story> crash = {};

  // Where its threads were when it was ended. nullopt: it was not, or has left no word of it.
  std::optional<stacks::Story> threads = {};

  // It came to its own end.
  bool isWhole = false;

  // How long tests of it were held, which counts for no limit.
  std::chrono::nanoseconds held{0};

  // It was to run one test, which has passed.
  bool hasOnePassed() const;
};

ProcessResult runTests(const ProcessStart& start, const ProcessEvents& events,
                       const Interrupts& interrupts);

}  // namespace harness::runner
