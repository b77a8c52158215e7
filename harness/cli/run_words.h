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

// Says which of the tests, by their ids, are on probation: those that the files of --waivers name,
// and that have not passed often enough by the history. Throws CommandError.
verdict::ProbationPlan probationFor(const Arguments& arguments,
                                    const std::vector<std::string>& tests);

}  // namespace harness
