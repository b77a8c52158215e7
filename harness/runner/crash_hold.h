// Holds what a test has left that its own program cannot hold: its program has crashed, or it is
// over its time and hangs (harness/run/hold.h tells what a hold is).
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "harness/run/hold.h"
#include "harness/run/record_writer.h"
#include "harness/runner/display.h"
#include "harness/runner/live_record.h"
#include "harness/runner/program_run.h"
#include "harness/runner/runner.h"
#include "harness/runner/test_process.h"

namespace harness::runner {

struct CrashHoldOptions {
  std::string runDirectory = {};

  // The name of the runner's own record.
  std::string writer = {};

  // How long a hold lasts at most.
  std::chrono::nanoseconds time{0};
};

// What is held, and why.
struct HeldTest {
  // COMPONENT/SUITE.NAME, and its item in the runner's record.
  std::string id = {};
  std::string item = {};
  std::string because = {};
};

class CrashHold {
 public:
  // Borrows both.
  CrashHold(run::RecordWriter& writer, Display& display, CrashHoldOptions options)
      : writer_(writer), display_(display), options_(std::move(options)) {}

  // Shows a hold by the program, which has begun or is over.
  void show(const std::string& component, const LiveHold& hold);

  // Tells whether somebody looks at a test that is over its time, whose program goes on. The first
  // call begins the hold. An empty reason ends it, since the test has ended. Nodes are those of
  // `cluster`; empty: there are none.
  bool goesOn(const HeldTest& test, int process, const std::string& cluster);

  // Holds the nodes of a program that has crashed, as `start` says: a process of it adopts what was
  // left there (run::kHoldLeftArgument). `cancels` says why the hold is to end early. Returns the
  // signal that ended it; 0: none did.
  int hold(const HeldTest& test, const ProcessStart& start,
           const std::function<std::string()>& cancels, const Interrupts& interrupts);

 private:
  // `look` are lines that tell how to look at what is held.
  void begin(const HeldTest& test, const std::string& look);
  bool isOpen() const { return !item_.empty(); }

  // Returns why the hold that goes on is to end. Empty: it is not.
  std::string endReason();
  void end(const std::string& because);

  run::RecordWriter& writer_;
  Display& display_;
  const CrashHoldOptions options_;

  // The hold that goes on, and when it ends by itself. Empty: none does.
  std::string item_;
  std::string test_;
  Deadline end_;
};

}  // namespace harness::runner
