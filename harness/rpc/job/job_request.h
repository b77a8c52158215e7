// A command that is to be run on a node, as the connections are asked for it. This header has
// values only; the calls are in jobs.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <muster/run_options.h>

namespace harness {

// A terminal of `columns` by `rows`, for commands that a person sits before.
struct TerminalSize {
  uint16_t columns = 80;
  uint16_t rows = 24;
  std::string type = "xterm-256color";
};

enum class JobInput {
  // The command reads RunOptions::input and then the end of file.
  kText,

  // The command reads the bytes of Job::writeInput.
  kStream,
};

enum class JobOutput {
  // Job::result() has all of it, up to JobRequest::heldBytesMax.
  kKeep,

  // The caller takes it away by takeOut and takeErr, and the node forgets what was fetched.
  kTake,
};

// Whose matter it is that the command's first process crashes.
enum class CrashOf {
  // The caller has the result, and makes of it what it wants.
  kResult,

  // The command is not expected to end by itself, as a daemon.
  kTest,
};

// The most output of a command that a result holds, of both streams together.
constexpr uint64_t kHeldBytesMax = uint64_t{512} << 20;

struct JobRequest {
  muster::Argv argv;

  // `deadline` must be set.
  muster::RunOptions options;
  JobInput input = JobInput::kText;
  JobOutput output = JobOutput::kKeep;

  // What becomes of a command that writes more is said at RunOptions::overflow.
  uint64_t heldBytesMax = kHeldBytesMax;
  std::optional<TerminalSize> terminal;

  CrashOf crash = CrashOf::kResult;

  // The limit of the command's core files, RLIMIT_CORE; its maximum is none. Absent: the agent's.
  std::optional<uint64_t> coreBytesMax;
};

// The commands of several nodes share one request, and with it the bytes of its input.
using SharedRequest = std::shared_ptr<const JobRequest>;

// The event that a pull waits for.
enum class PullUntil {
  // More output than before, or the end.
  kChange,

  // The end, with all output read.
  kEnded,
};

}  // namespace harness
