// The options of `muster run` that say how tests run, and what the runner makes of them.
#pragma once

#include <string>
#include <vector>

#include "harness/cli/option.h"
#include "harness/runner/runner.h"

namespace harness {

class Arguments;

// The options, in the order of the help.
OptionList runOptions();

// Throws CommandError for values that exclude each other and for files that cannot be read.
runner::RunnerOptions runnerOptions(const Arguments& arguments, const std::string& runId);

}  // namespace harness
