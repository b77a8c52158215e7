// Runs one of the node's own programs to its end, with a bound on time and output: a tool that is
// asked for a few lines, a service manager, an init script. It is not for jobs.
//
// Output goes to memory that the command shares, not through a pipe. A daemon that an init script
// starts keeps the descriptor, and must neither be waited for nor die of SIGPIPE later.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/common.h>
#include <kj/string.h>

#include "nodeagent/os/spawn.h"

namespace nodeagent {

// What is kept of a command's output.
struct CommandOutput {
  enum class Errors {
    // They stand among the output, in order.
    kTogether,
    kDropped
  };
  Errors errors = Errors::kTogether;
  size_t bytesMax = 16 << 10;
};

struct CommandResult {
  enum class End {
    kExited,
    kSignalled,
    // Killed with its process group, because its time was over.
    kDeadline,
    // `value` is an errno.
    kNotStarted
  };
  End end = End::kNotStarted;
  // The exit status, signal or errno.
  int value = 0;
  // The beginning of what CommandOutput says.
  kj::Array<kj::byte> output;

  bool succeeded() const { return end == End::kExited && value == 0; }
};

// As whom a command runs that is not the keeper's user.
struct CommandUser {
  Credentials credentials;
  // Items of the form "NAME=value" that are added to the environment.
  kj::Array<kj::String> environment;
};

// Runs `argv`. argv[0] without a slash is looked up where root's programs are. The environment is
// PATH and LC_ALL=C, the directory "/", the input /dev/null. Blocks for at most `limitNs`, and a
// second more if it has to kill, so it belongs on a worker thread.
CommandResult runCommand(kj::ArrayPtr<const kj::String> argv, int64_t limitNs,
                         const CommandOutput& output = {});

// Does the same as another user; null stands for the keeper's.
CommandResult runCommandAs(kj::Maybe<const CommandUser&> user, kj::ArrayPtr<const kj::String> argv,
                           int64_t limitNs, const CommandOutput& output = {});

// Says how the command ended, with the last line of its output, such as "exit status 1: Unit
// x.service not found.".
kj::String describeEnd(const CommandResult& result);

// Returns the last `linesMax` lines of the output as UTF-8; other bytes become "?".
kj::Array<kj::String> lastLines(kj::ArrayPtr<const kj::byte> output, size_t linesMax);

}  // namespace nodeagent
