// Says how long a run, each of its programs and each process may take. Time in which somebody looks
// at a test that is held counts for none of them. It ends nothing: a process is told its limit, and
// the runner asks whether the run is over.
#pragma once

#include <chrono>
#include <optional>

#include "harness/runner/runner.h"
#include "harness/runner/test_process.h"

namespace harness::runner {

class RunLimits {
 public:
  // The run begins. `options` are borrowed.
  explicit RunLimits(const RunnerOptions& options) : options_(options) {}

  // The first process of another program is about to begin.
  void beginProgram();

  // Tests were held for `time`.
  void addHeld(std::chrono::nanoseconds time);

  // Returns the time of the run without that of holds.
  std::chrono::nanoseconds elapsed() const;
  bool isRunOver() const;

  // Gives the process that is about to begin the shortest of the limits that hold.
  void limit(ProcessStart& start) const;

 private:
  const RunnerOptions& options_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::nanoseconds held_{0};
  std::optional<std::chrono::steady_clock::time_point> programEnd_;
};

}  // namespace harness::runner
