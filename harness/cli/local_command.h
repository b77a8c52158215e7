// Runs a command of this machine in the foreground, with the terminal and the signals of `muster`.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace harness {

struct LocalCommand {
  // The first word is looked up on PATH.
  std::vector<std::string> argv;

  // "NAME=value", replacing those of the same names.
  std::vector<std::string> environment;
};

// Starts the command, waits for its end, and returns its exit status, or 128 and the number of the
// signal that ended it, as a shell does. `everySecond` is called meanwhile, and may take a second.
//
// SIGINT, SIGTERM and SIGHUP are passed on to the command and do not end this process. Those that
// the terminal has sent are not, since the command has them already. CommandError with status 127
// if there is no such program, SystemError if it cannot be started.
int runInForeground(const LocalCommand& command, const std::function<void()>& everySecond);

}  // namespace harness
