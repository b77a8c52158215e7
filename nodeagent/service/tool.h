// Runs a service manager's own tool, or an init script, with a bound on time and output.
//
// Output goes to memory that the tool shares, not through a pipe: a daemon that an init script
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
    kDeadline,   // Killed, with its process group.
    kNotStarted  // `value` is errno.
  };
  End end = End::kNotStarted;
  int value = 0;               // Exit status, signal or errno.
  kj::Array<kj::byte> output;  // Both streams; its beginning, at most kOutputBytesMax.

  bool succeeded() const { return end == End::kExited && value == 0; }
};

// argv[0] without a slash is looked up where root's programs are. The environment is PATH and
// LC_ALL=C, the directory "/", the input /dev/null. Blocks for at most `limitNs`, and a second more
// if it has to kill: for a worker thread.
ToolResult runTool(kj::ArrayPtr<const kj::String> argv, int64_t limitNs);

// How it ended, and the last line of its output, such as "exit status 1: Unit x.service not
// found.".
kj::String describeEnd(const ToolResult& result);

// The output as lines of UTF-8; what is not becomes "?". The last `linesMax` ones.
kj::Array<kj::String> lastLines(kj::ArrayPtr<const kj::byte> output, size_t linesMax);

}  // namespace nodeagent::service
