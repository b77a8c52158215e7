// runCommand() runs a command of this machine to its end and keeps its output, within limits.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace harness {

struct CommandLimits {
  std::chrono::nanoseconds time = std::chrono::minutes(1);
  // Bytes of both streams together.
  size_t outputBytes = 1 << 20;
};

struct CommandResult {
  enum class Ending {
    // Its status is in `status`.
    kExited,
    // The number of the signal is in `status`.
    kSignalled,
    // The time was over: it was killed with all of its session.
    kOverdue,
    // It printed more than the limit: it was killed with all of its session.
    kTooMuchOutput
  };

  Ending ending = Ending::kExited;
  int status = 0;
  std::string output;
  std::string errors;

  bool succeeded() const { return ending == Ending::kExited && status == 0; }
};

// Returns words for a message: "exited with status 1: no such host", with the last line that it
// printed.
std::string toString(const CommandResult& result);

// Runs `argv`, whose first word is a path, in a session of its own, with `input` as its standard
// input. Returns when it has ended and its output is read. Processes that it leaves behind with its
// output open are waited for until the limit as well. Throws SystemError if it cannot be started.
//
//   CommandResult ssh = runCommand({"/usr/bin/ssh", host, "true"}, {.time = 10s});
//   if (!ssh.succeeded()) throw ProvisionError("ssh " + toString(ssh), node);
CommandResult runCommand(const std::vector<std::string>& argv, const CommandLimits& limits = {},
                         const std::string& input = "");

}  // namespace harness
