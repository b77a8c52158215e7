// What a finished command leaves: its outcome, its output, and the evidence that a failure message
// needs.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include <muster/outcome.h>

namespace muster {

// A process of the node that is named in a result.
struct ProcessName {
  int pid = 0;
  std::string command;
};

// The result of a command on one node. A plain value: it may be copied, kept and printed.
struct Result {
  std::string node;
  std::string address;  // Of the node, for messages. May be empty.
  std::vector<std::string> argv;
  Outcome outcome = Outcome::lost(LostReason::kUnspecified, "");

  std::string out;                // Standard output, or both streams if they were merged.
  std::string err;                // Standard error.
  uint64_t outProducedBytes = 0;  // What was written, whether kept or not.
  uint64_t errProducedBytes = 0;
  uint64_t outDroppedBytes = 0;  // Of these, lost to RunOptions::overflow. Exact.
  uint64_t errDroppedBytes = 0;

  // Processes that still held the output open when the first process had ended and the drain was
  // over. At most 16.
  std::vector<ProcessName> holders;

  uint32_t leftRunning =
      0;  // Processes of the command that were alive when its first one had ended.

  // Only of outcome kDeadline: the call's time was over before the node had ended all of the
  // command, which it goes on to do: TERM was sent, KILL follows after RunOptions::grace. How the
  // process ends, and what it still writes, is not in this result.
  bool stillEnding = false;

  int pid = 0;  // 0: not started.
  std::chrono::nanoseconds elapsed{0};
  std::chrono::nanoseconds deadline{0};  // The time that it was allowed. 0: none.

  std::string
      logPath;  // The file in the run directory with the full output. Empty: none was written.

  // Exited with status 0.
  bool succeeded() const { return outcome.succeeded(); }

  // Standard output without trailing newlines; what `$(…)` gives in a shell.
  std::string line() const;

  // Standard output, one item a line, without the newlines.
  std::vector<std::string> lines() const;
};

// The text that a failed test shows of `result`: node, command, outcome, the last output, and where
// the rest is.
std::string describe(const Result& result);

// For gtest, the same text.
void PrintTo(const Result& result, std::ostream* out);

}  // namespace muster
