#include "harness/cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "harness/cli/command_error.h"
#include "harness/os/error.h"
#include "harness/os/fd.h"
#include "harness/os/signals.h"

namespace harness {
namespace {

void write(int descriptor, std::string_view bytes, const char* name) {
  try {
    writeAll(descriptor, bytes, name);
  } catch (const SystemError& error) {
    if (error.number() == EPIPE) throw OutputClosed();
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

bool isOutputClosed() {
  pollfd output{STDOUT_FILENO, 0, 0};
  return ::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

// The io thread ignores SIGPIPE.
void endByClosedOutput() {
  endBySignal(SIGPIPE);
}

}  // namespace harness
