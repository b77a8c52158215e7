// What the commands `resume` and `release` share: they end the hold of a test
// (harness/run/hold.h), each in its own way.
#pragma once

#include "harness/cli/arguments.h"
#include "harness/run/hold.h"

namespace harness {

// Asks the holder of a test of the run that the first word names to end the hold, and waits until
// that is taken. Returns the exit status. Throws CommandError: kExitNoInput if there is no such
// run, kExitData if nothing of it is held, and kExitUnavailable if nobody has answered.
int endHold(const Arguments& arguments, run::HoldEnd end);

// Returns the state of a run that holds tests, for people: "held until 12:31:07 UTC".
std::string heldText(const std::vector<run::Hold>& holds);

}  // namespace harness
