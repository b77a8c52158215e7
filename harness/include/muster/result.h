// Holds what a finished command leaves: its outcome, its output, and the evidence that a failure
// message needs.
//
//   Result result = node.run({"ls", "/var/lib/kvd"});
//   ASSERT_THAT(result, Succeeded());
//   EXPECT_THAT(result.lines(), testing::Contains("data"));
//
// A Result does not say that the command succeeded: look at `outcome`, or use a matcher. A node
// that could not be asked gives no Result but a NodeError.
//
// Things to get right:
//   * `out` and `err` are bytes, neither cut at NUL nor checked to be text. They may be incomplete:
//     see outDroppedBytes and stillEnding.
//   * Where describe() cannot show all that a failed command wrote, the whole is in a file of the
//     run directory: --run-dir or $MUSTER_RUN_DIR, or else ./muster-runs/ID, where ID is that of
//     the run. Its files are PROGRAM/TEST/NODE/run-NNNN.log, at most 1000 with 256 MiB of
//     output for each program.
//   * Processes that Node::run left running (a daemon, or `sleep 60 &`) are not waited for. They
//     end with the session, which is the end of this program; those of a Process end with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <source_location>
#include <string>
#include <vector>

#include <muster/outcome.h>

namespace muster {

// Names a process of the node in a result.
struct ProcessName {
  int pid = 0;

  // Is the command line, or the kernel's short name of a process that has none.
  std::string command = {};
};

// Is the result of a command on one node. It is a plain value that outlives its node: it may be
// copied, kept and printed.
struct Result {
  // Is the node's name.
  std::string node = {};

  // Is the node's address, for messages. It may be empty.
  std::string address = {};

  // Is the command as it was asked for. That of Node::shell begins with "/bin/sh", "-c".
  std::vector<std::string> argv = {};

  Outcome outcome = Outcome::lost(LostReason::kUnspecified, "");

  // Holds standard output, or both streams if RunOptions::stderrTo merged them.
  std::string out = {};

  // Holds standard error, and is empty if it was merged.
  std::string err = {};

  // Count the bytes that the command wrote, whether kept or not.
  uint64_t outProducedBytes = 0;
  uint64_t errProducedBytes = 0;

  // Count exactly the bytes that were written and then dropped by RunOptions::overflow.
  uint64_t outDroppedBytes = 0;
  uint64_t errDroppedBytes = 0;

  // Holds the lengths of the parts of `out` and `err` by turns, beginning with `out`, in the order
  // in which the node's agent read them and up to the end of both. What they leave at the beginning
  // of a stream has no known order. Use merged().
  std::vector<uint64_t> order = {};

  // Names processes, at most 16, that still held the output open 200 ms after the first process had
  // ended. What they write later is not in this result.
  std::vector<ProcessName> holders = {};

  // Counts processes of the command that were alive when its first one had ended.
  uint32_t leftRunning = 0;

  // Is true only with outcome kDeadline, when the call's time was over before the node had ended
  // all of the command. The node goes on to do so: TERM was sent, and KILL follows after
  // RunOptions::grace. How the process ends and what it still writes is not in this result.
  bool stillEnding = false;

  // Is the first process's number on the node. 0 means that it was not started.
  int pid = 0;

  // Is the time from the start of the command to its end, by the node's monotonic clock.
  std::chrono::nanoseconds elapsed{0};

  // Is the time that the command was allowed. 0 means no limit.
  std::chrono::nanoseconds deadline{0};

  // Names the local file with the full output, in the run directory (see below). Empty means that
  // there is none: the command succeeded, describe() shows all, or the file could not be written.
  std::string logPath = {};

  // Tells whether the command exited with status 0.
  bool succeeded() const { return outcome.succeeded(); }

  // Returns this result if the command succeeded, for a test that cannot go on otherwise:
  //
  //   std::string version = node.shell("kvd --version | cut -d' ' -f2").checked().line();
  //
  // NodeError kCommandFailed if it did not succeed, with all that describe() shows.
  const Result& checked(std::source_location where = std::source_location::current()) const&;
  Result checked(std::source_location where = std::source_location::current()) &&;

  // Returns standard output without trailing newlines, as `$(…)` gives it in a shell. NodeError
  // kNotFound, with the outcome and the end of standard error, if there is no output and the
  // command did not succeed: the test would compare with nothing, and nobody would see why.
  std::string line(std::source_location where = std::source_location::current()) const;

  // Returns standard output, one item a line, without the newlines. No output is no line, also of a
  // command that failed: look at the outcome, too.
  std::vector<std::string> lines() const;

  // Returns what is held of both streams as one text, in the order in which the agent on the node
  // read them:
  //
  //   Result result = node.run({"make", "-C", "/srv/kvd"});
  //   EXPECT_TRUE(result.succeeded()) << result.merged();
  //
  // The order is exact where the command pauses before it turns to the other stream. What it writes
  // to both within about a millisecond may come one stream after the other, and so may output that
  // the command itself buffers. RunOptions::stderrTo keeps the order in any case.
  //
  // Bytes that were dropped are left out. What has no known order comes first, `out` before `err`:
  // what came before the last 4096 turns or before a gap in a stream, and all of it if the command
  // has not ended, wrote more than a result holds, or ran under an older agent.
  std::string merged() const;
};

// Returns the text that a failed test shows of `result`: node, command and outcome. For a command
// that did not succeed there follow the last 20 lines of both streams, at most 4 KiB of each, and
// where the rest is. They are one text, with a mark before standard error, if their order is known.
// The text is UTF-8: bytes that are not, and control characters, are shown as \xNN.
std::string describe(const Result& result);

// Print the text of describe(), and the process, for gtest.
void PrintTo(const Result& result, std::ostream* out);
void PrintTo(const ProcessName& process, std::ostream* out);

}  // namespace muster
