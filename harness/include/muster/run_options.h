// How a command is to be run: see Node::run and Node::start.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster {

// So that tests which say `using namespace muster` write 5s and 100ms.
using namespace std::chrono_literals;

// A program and its arguments. No shell is involved: quoting, globs and `~` mean nothing. The first
// item is looked up in the PATH of the command's environment unless it has a slash.
using Argv = std::vector<std::string>;

// What happens when a stream has more than RunOptions::outputBytesMax bytes that were not read yet.
enum class OutputOverflow {
  kBlock,     // The process waits in write(2): nothing is lost.
  kKeepHead,  // The first bytes stay, the rest is dropped and counted.
  kKeepTail,  // The last bytes stay, the oldest are dropped and counted.
  kKill,      // The command is killed; its outcome is kOutputLimit.
};

// What a command inherits before RunOptions::environment is added. NODEAGENT_JOB is there in any
// case: by it the agent finds what the command left behind.
enum class EnvironmentBase {
  kLogin,  // PATH, HOME, USER, LOGNAME, SHELL and LANG=C.UTF-8 of the user.
  kAgent,  // What the agent itself was started with.
  kNone,
};

enum class StderrTo {
  kStderr,  // Result::err
  kStdout,  // Into Result::out, in the order of writing.
};

// How long a command may live.
enum class CommandLifetime {
  kSession,   // Ends with our session on the node, which ends with this program, however it ends.
  kDetached,  // Goes on. Destroying its Process does not end it either.
};

struct RunOptions {
  std::map<std::string, std::string> environment;  // Added to the base.
  EnvironmentBase environmentBase = EnvironmentBase::kLogin;
  std::string directory;  // Absolute. Empty: "/".
  std::string user;       // Name or decimal id. Empty: root, or whoever the agent runs as.
  std::string group;      // Name or decimal id. Empty: the user's primary group.
  std::string input;      // Standard input of Node::run, then end of file. Empty: /dev/null.

  // The time that the command is allowed; the agent kills it then, whether or not we are connected.
  // Must be positive. Absent: what DeadlineScope::current() leaves.
  std::optional<std::chrono::nanoseconds> deadline;

  // Between TERM and KILL, wherever the agent ends the command.
  std::chrono::nanoseconds grace = std::chrono::seconds(2);

  uint64_t outputBytesMax = uint64_t{64} << 20;  // Of each stream, from 4 KiB to 4 GiB.
  OutputOverflow overflow = OutputOverflow::kBlock;
  StderrTo stderrTo = StderrTo::kStderr;
  CommandLifetime lifetime = CommandLifetime::kSession;

  // By which `muster ps` and `muster kill` find the command again, besides `run` and `test`, which
  // it has anyway. Names of [a-z0-9._-]{1,64}; values of at most 256 bytes without control
  // characters. At most 30.
  std::map<std::string, std::string> labels;
};

}  // namespace muster
