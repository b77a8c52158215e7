// Judges a run that is about to end by its waivers, probations and gates, and records what they
// say. It changes no result of a test.
#pragma once

#include <chrono>
#include <string>

#include "harness/run/record_writer.h"
#include "harness/runner/display.h"
#include "harness/runner/runner.h"

namespace harness::runner {

// Where the verdicts go: the item of the run, and people.
struct JudgedItem {
  run::RecordWriter& writer;
  const std::string& item;
  Display& display;
};

// Reads the run's record as it is so far, unless nothing asks for it. `length` is what the run has
// taken.
void judge(const RunnerOptions& options, std::chrono::nanoseconds length, const JudgedItem& run);

}  // namespace harness::runner
