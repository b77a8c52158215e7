// Says what a test program does at this moment, for somebody who waits for it at a terminal.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/run/nodes_making.h"
#include "harness/runner/live_record.h"

namespace harness::runner {

// A time that something may take. Zero: it has no limit.
struct RunningLimit {
  // "the test", "the time of the program"
  std::string name = {};
  std::chrono::nanoseconds most{0};
  std::chrono::nanoseconds elapsed{0};
};

struct RunningNow {
  // COMPONENT/SUITE.NAME; empty: no test runs, so that it is set-up, tear-down or the program's own
  // work.
  std::string test = {};
  std::string program = {};

  // 0: there is none that one would want to know.
  pid_t pid = 0;

  // Since the test began, or else the process.
  std::chrono::nanoseconds elapsed{0};
  std::vector<std::string> nodes = {};

  // What goes on besides: "making cluster run-4711: 3 of 5 nodes". Empty: nothing does.
  std::string work = {};
  std::chrono::nanoseconds workElapsed{0};

  // What it has done last on a node.
  std::optional<LiveStep> step = {};
  std::chrono::nanoseconds stepElapsed{0};
  std::vector<RunningLimit> limits = {};

  // What it has printed, of which the last lines are shown.
  std::string output = {};
};

// Returns lines, each with its end.
std::string runningText(const RunningNow& now);

// Returns the work and its time, in less than a line; empty if there is none.
std::string workText(const RunningNow& now);

// Returns what is made, and how much of it is there.
std::string makingText(const run::NodesMaking& making);

}  // namespace harness::runner
