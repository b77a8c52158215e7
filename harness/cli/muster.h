// The program `muster`, as a function: from a command line to an exit status.
#pragma once

#include <string>
#include <vector>

namespace harness {

// Carries out the words behind the program's name. Says on standard error what went wrong,
// also if standard output could not be written to its end (kExitIo). Never throws.
//
// Ends the process by a signal, and does not return, if one has interrupted the command, or if
// nobody reads the output any more (SIGPIPE).
int runMuster(const std::vector<std::string>& words);

}  // namespace harness
