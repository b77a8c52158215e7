// Runs a service manager's own tool, or an init script, with a bound on time and output.
//
// Output goes to memory that the tool shares, not through a pipe. A daemon that an init script
// starts keeps the descriptor, and must neither be waited for nor die of SIGPIPE later.
#pragma once

#include <stdint.h>

#include <kj/array.h>
#include <kj/string.h>

namespace nodeagent::service {

constexpr size_t kOutputBytesMax = 16 << 10;

struct ToolResult {
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
  // The beginning of both streams together, at most kOutputBytesMax.
  kj::Array<kj::byte> output;

  bool succeeded() const { return end == End::kExited && value == 0; }
};

// Runs `argv`. argv[0] without a slash is looked up where root's programs are. The environment is
// PATH and LC_ALL=C, the directory "/", the input /dev/null. Blocks for at most `limitNs`, and a
// second more if it has to kill, so it belongs on a worker thread.
ToolResult runTool(kj::ArrayPtr<const kj::String> argv, int64_t limitNs);

// Says how the tool ended, with the last line of its output, such as "exit status 1: Unit x.service
// not found.".
kj::String describeEnd(const ToolResult& result);

// Returns the last `linesMax` lines of the output as UTF-8; other bytes become "?".
kj::Array<kj::String> lastLines(kj::ArrayPtr<const kj::byte> output, size_t linesMax);

}  // namespace nodeagent::service
