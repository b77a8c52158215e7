// The options of `muster run` by which test programs run under another command: a debugger or a
// tracer.
#pragma once

#include "harness/cli/option.h"
#include "harness/runner/runner.h"

namespace harness {

class Arguments;

// The options, in the order of the help.
OptionList wrapperOptions();

// Sets what the options say, and what follows for limits and output. Throws CommandError for words
// that name no program, and for options that a debugger excludes.
void setWrapper(runner::RunnerOptions& options, const Arguments& arguments);

// Refuses a debugger for more than one process. Throws CommandError.
void refuseSeveral(const std::vector<runner::PlannedProgram>& programs,
                   const runner::RunnerOptions& options);

}  // namespace harness
