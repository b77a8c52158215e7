// Shows a run on the terminal: a line for each test that ends, failures in full, and a live line
// with what runs now where standard error is a terminal. It decides nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/run/outcome.h"
#include "harness/run/results.h"
#include "harness/runner/planned.h"
#include "harness/runner/remaining_time.h"
#include "harness/runner/runner.h"

namespace harness::runner {

struct DisplayOptions {
  bool isTerminal = false;
  bool hasColour = false;
  // Nothing is shown.
  bool isQuiet = false;
  // Columns of the terminal.
  size_t width = 80;
};

// What has become of one test that ended.
struct EndedTest {
  // COMPONENT/SUITE.NAME
  std::string id = {};
  run::Outcome outcome = run::Outcome::kNotRun;
  double seconds = 0;
  std::string because = {};
  // Where the program was when it crashed. Empty: it did not, or that is not known.
  std::string stack = {};
  // What the program has printed while the test ran.
  std::string output = {};
  int attempt = 1;
  int repeat = 1;
};

// Used on one thread.
class Display {
 public:
  explicit Display(const DisplayOptions& options);
  ~Display();

  // The tests that are to end, each as often as it is repeated, and what is known of their times.
  void plan(const std::vector<PlannedProgram>& programs, const RunnerOptions& options);

  // They are to end once more, and so is one of them.
  void planAgain(const std::vector<PlannedProgram>& programs);
  void planAgain(const std::string& id);

  void begin(const std::string& id, const std::vector<std::string>& nodes);
  void end(const EndedTest& test);

  // A test is held until this time, which is a text. Empty: it is held no more.
  void hold(const std::string& id, const std::string& until);

  // Shows a sentence between the tests.
  void note(std::string_view text);

  // Shows lines that say what runs now (running_now.h).
  void showRunning(std::string_view lines);

  // Is shown on the live line, beside the tests that run. Empty: nothing is.
  void setWork(const std::string& work) { work_ = work; }

  // Is shown at the end of the live line where there is room. Empty: nothing is.
  void setHint(const std::string& hint) { hint_ = hint; }

  // Draws the live line anew, if a while has gone since.
  void tick();

  // Shows the totals, the failures, and how to repeat them. `result` is what the record says.
  void summarise(const run::RunResult& result, const std::string& directory,
                 const std::vector<std::string>& problems);

 private:
  struct Running {
    std::chrono::steady_clock::time_point begin;
    std::vector<std::string> nodes;
  };

  void clearLine();
  std::string coloured(run::Outcome outcome, const std::string& text) const;
  std::string liveLine() const;
  void showFailures(const run::RunResult& result);
  void showReproduction(const run::RunResult& result);

  DisplayOptions options_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point drawn_;
  RemainingTime remaining_;
  size_t planned_ = 0;
  size_t ended_ = 0;
  std::map<run::Outcome, size_t> counts_;
  std::map<std::string, Running> running_;
  std::string work_;
  std::string hint_;
  std::map<std::string, std::string> held_;
  bool hasLine_ = false;
};

// As the environment and standard error say: NO_COLOR, TERM, CLICOLOR_FORCE.
DisplayOptions displayOptions();

}  // namespace harness::runner
