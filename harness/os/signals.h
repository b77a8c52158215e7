// How a program ends because of a signal.
#pragma once

#include <signal.h>

#include <vector>

namespace harness {

// Returns those of SIGINT, SIGTERM and SIGHUP that end this process. One that the caller made it
// ignore, as nohup(1) does, stays ignored.
std::vector<int> endingSignals();

sigset_t signalSet(const std::vector<int>& numbers);

// Ends the process by the default action of a signal, so that its parent sees which one it was: a
// shell ends a loop only if its command was ended by ^C. Nothing is flushed.
[[noreturn]] void endBySignal(int number);

}  // namespace harness
