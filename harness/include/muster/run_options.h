// Says how a command is to be run: as which user, where, with which input, for how long, and what
// becomes of its output. The calls are Node::run and Node::start.
//
//   node.run({"kvctl", "status"}, {.deadline = 5s});
//   node.shell("id -un; pwd", {.directory = "/tmp", .user = "nobody"});
//
// The defaults run as the agent's user (usually root) in "/", with an empty input, a login
// environment, and the test's remaining time as the deadline.
//
// Things to get right:
//   * No shell reads an Argv. Pipes, globs and `$HOME` need Node::shell.
//   * kBlock loses nothing but stops a command that writes much while nobody reads it. A Process
//     that writes without end needs kKeepTail.
//   * A kDetached command has no deadline unless one is given, and outlives the test. Something has
//     to end it, such as `muster kill`.
//   * A value out of its range is NodeError kInvalid, whose text names the field.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster {

// Lets tests that say `using namespace muster` write 5s and 100ms.
using namespace std::chrono_literals;

// Holds a program and its arguments, at least one item. No shell is involved: quoting, globs and
// `~` mean nothing. The first item is looked up in the PATH of the command's environment unless it
// has a slash. The limits are 4096 items and 1 MiB.
using Argv = std::vector<std::string>;

// Says what happens when a stream has more than RunOptions::outputBytesMax bytes that were not read
// yet, and when both streams together have more than the 512 MiB that a Result holds.
enum class OutputOverflow {
  // The process waits in write(2), so nothing is lost. Where a Result would hold too much, it is
  // killed at once, with outcome kOutputLimit and the output so far: nobody would ever read on.
  kBlock,

  // The first bytes stay. The rest is dropped and counted.
  kKeepHead,

  // The last bytes stay. The oldest are dropped and counted.
  kKeepTail,

  // The command is killed, with outcome kOutputLimit.
  kKill,
};

// Says what a command inherits before RunOptions::environment is added. NODEAGENT_JOB is there in
// any case, because the agent finds by it what the command left behind.
enum class EnvironmentBase {
  // It inherits PATH, HOME, USER, LOGNAME and SHELL of the command's user, and LANG=C.UTF-8.
  kLogin,

  // It inherits what the agent itself was started with.
  kAgent,
  kNone,
};

enum class StderrTo {
  // Standard error goes to Result::err.
  kStderr,

  // Standard error goes into Result::out, in the order of writing.
  kStdout,
};

// Says how long a command may live. In all but kDetached it ends with this program at the latest,
// however the program ends, or when its lease runs out on an unreachable node.
enum class CommandLifetime {
  // It ends with the test that started it, and so does what it left running. A command that
  // SetUpTestSuite started ends with the suite; outside of suites it ends with the program.
  kTest,
  // It ends with this program.
  kSession,

  // It goes on. Destroying its Process does not end it either.
  kDetached,
};

struct RunOptions {
  // Holds variables that are added to the base, and replace those of the same name there. Those
  // for all commands of the test are a CommandEnvironment (change_options.h).
  std::map<std::string, std::string> environment = {};
  EnvironmentBase environmentBase = EnvironmentBase::kLogin;

  // Is the working directory, absolute. Empty means "/". A missing one is Outcome kNotStarted.
  std::string directory = {};

  // Is a name or a decimal id. Empty means the user that the agent runs as, usually root. An id
  // that the node's database does not have gets the group of the same number.
  std::string user = {};

  // Is a name or a decimal id. Empty means the user's primary group.
  std::string group = {};

  // Is the standard input of Node::run, followed by end of file. Empty means /dev/null. Node::start
  // with an empty one leaves standard input open for Process::write.
  std::string input = {};

  // Is the time that the command is allowed. The agent kills it then, whether or not we are
  // connected. It must be positive. Absent means what DeadlineScope::current() leaves, which also
  // shortens a longer one, and means no limit for kDetached.
  std::optional<std::chrono::nanoseconds> deadline = {};

  // Is the time between TERM and KILL, wherever the agent ends the command. 0 means KILL at once.
  std::chrono::nanoseconds grace = std::chrono::seconds(2);

  // Bounds each stream on the node, from 4 KiB to 4 GiB; 64 MiB unless set.
  uint64_t outputBytesMax = uint64_t{64} << 20;
  OutputOverflow overflow = OutputOverflow::kBlock;
  StderrTo stderrTo = StderrTo::kStderr;
  CommandLifetime lifetime = CommandLifetime::kTest;

  // Holds labels by which `muster ps` and `muster kill` find the command again, besides `run` and
  // `test`, which it has anyway. Names are of [a-z0-9._-]{1,64}; values have at most 256 bytes and
  // no control characters. At most 30 are allowed.
  std::map<std::string, std::string> labels = {};
};

// Print the words, and the options but for content and labels, for gtest.
void PrintTo(OutputOverflow overflow, std::ostream* out);
void PrintTo(EnvironmentBase base, std::ostream* out);
void PrintTo(StderrTo target, std::ostream* out);
void PrintTo(CommandLifetime lifetime, std::ostream* out);
void PrintTo(const RunOptions& options, std::ostream* out);

}  // namespace muster
