#include "harness/cli/output.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "harness/cli/command_error.h"
#include "harness/os/error.h"
#include "harness/os/fd.h"

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

// The io thread ignores SIGPIPE, so that its default action is restored first.
void endByClosedOutput() {
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(SIGPIPE);
  ::_exit(128 + SIGPIPE);
}

}  // namespace harness
