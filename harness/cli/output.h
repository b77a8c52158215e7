// Standard output for bytes that must not wait in a buffer, such as those of a running command.
#pragma once

#include <exception>
#include <string_view>

namespace harness {

// Says that nobody reads the output any more, as behind `| head -1`: there is nothing to complain
// about.
class OutputClosed : public std::exception {};

// Throw OutputClosed, or CommandError with kExitIo if not all can be written for another reason.
void writeOutput(std::string_view bytes);
void writeErrors(std::string_view bytes);

// Returns whether standard output is a pipe or a socket that nobody reads any more.
bool isOutputClosed();

// Ends the process as a program ends that does not handle SIGPIPE: a shell shows status 141.
[[noreturn]] void endByClosedOutput();

}  // namespace harness
