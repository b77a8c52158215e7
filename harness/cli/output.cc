#include "harness/cli/output.h"

#include <unistd.h>

#include "harness/cli/command_error.h"
#include "harness/os/error.h"
#include "harness/os/fd.h"

namespace harness {
namespace {

void write(int descriptor, std::string_view bytes, const char* name) {
  try {
    writeAll(descriptor, bytes, name);
  } catch (const SystemError& error) {
    throw CommandError(kExitIo, error.what());
  }
}

}  // namespace

void writeOutput(std::string_view bytes) {
  write(STDOUT_FILENO, bytes, "to standard output");
}

void writeErrors(std::string_view bytes) {
  write(STDERR_FILENO, bytes, "to standard error");
}

}  // namespace harness
