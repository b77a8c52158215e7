#include "harness/cli/output.h"

#include <unistd.h>

#include "harness/cli/command_error.h"
#include "harness/os/system.h"
#include "harness/provision/error.h"

namespace harness {
namespace {

void write(int descriptor, std::string_view bytes, const char* name) {
  try {
    writeAll(descriptor, bytes, name);
  } catch (const ProvisionError& error) {
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
