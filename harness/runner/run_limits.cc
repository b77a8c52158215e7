#include "harness/runner/run_limits.h"

#include <algorithm>
#include <string>

#include "harness/run/program_variables.h"

namespace harness::runner {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

void RunLimits::beginProgram() {
  programEnd_.reset();
  if (options_.programMax.count() > 0) programEnd_ = steady_clock::now() + options_.programMax;
}

void RunLimits::addHeld(nanoseconds time) {
  held_ += time;
  if (programEnd_) *programEnd_ += time;
}

nanoseconds RunLimits::elapsed() const {
  return steady_clock::now() - begin_ - held_;
}

bool RunLimits::isRunOver() const {
  return options_.runMax.count() > 0 && elapsed() >= options_.runMax;
}

void RunLimits::limit(ProcessStart& start) const {
  auto take = [&](nanoseconds left, const std::string& name) {
    left = std::max<nanoseconds>(left, std::chrono::milliseconds(1));
    if (start.timeMax.count() != 0 && start.timeMax <= left) return;
    start.timeMax = left;
    start.timeName = name;
  };
  if (options_.suiteMax.count() > 0) take(options_.suiteMax, "the time of the suite");
  if (programEnd_) take(*programEnd_ - steady_clock::now(), "the time of the program");
  if (options_.runMax.count() > 0) take(options_.runMax - elapsed(), "the time of the run");
  if (start.timeMax.count() > 0) {
    start.environment[run::kProgramTimeVariable] = std::to_string(start.timeMax.count()) + "ns";
  }
}

}  // namespace harness::runner
