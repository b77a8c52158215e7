// Standard output for bytes that must not wait in a buffer, such as those of a running command.
#pragma once

#include <string_view>

namespace harness {

// Throws CommandError with kExitIo if not all can be written.
void writeOutput(std::string_view bytes);
void writeErrors(std::string_view bytes);

}  // namespace harness
