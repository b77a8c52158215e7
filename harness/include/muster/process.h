// A command that is running on a node while the test goes on.
//
//   Process sed = node.start({"sed", "-u", "s/^/got: /"});
//   sed.write("one\n");
//   EXPECT_EQ(sed.readLine(5s), "got: one");
//   sed.closeInput();
//   EXPECT_THAT(sed.wait(), Succeeded());
//
// The literal 5s comes with `using namespace muster` (see run_options.h).
//
// It belongs to the scope that holds it: destroying a Process ends the command with everything that
// it started, unless it is detached. For a command that the test waits for anyway, Node::run is
// simpler. A Process is no terminal, and does not restart a command that ended.
//
// Things to get right:
//   * The destructor blocks until the command has ended, at most for RunOptions::grace and one
//     second. The wait ends at most 250 ms after the test's deadline if that is sooner. A command
//     that ignores TERM takes the whole grace; kill() first, or a grace of 0, avoids that.
//   * A Process that is not held, as in `node.start({…});`, is destroyed at once, with its command.
//     Compilers warn of it.
//   * Losing the connection ends nothing: calls wait until the node is back, and the output goes on
//     at the exact byte. If the deadline comes first they throw NodeError kUnreachable or kTimeout;
//     the Process stays usable. A node that was rebooted gives the outcome kLost.
//   * A command that writes more than RunOptions::outputBytesMax waits until the test reads it, by
//     any of wait, output, readLine and readUntil; see OutputOverflow. A Process holds 512 MiB of
//     both streams. Where there is more, lines that were read are let go and do not come again from
//     output() and wait(). If that frees nothing, the command is ended with outcome kOutputLimit.
//   * It is valid as long as its cluster. Reset a static one in TearDownTestSuite: the destructor
//     of one that outlives main finds no connection, and says so on standard error.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <string>

#include <muster/result.h>
#include <muster/run_options.h>
#include <muster/signal_target.h>

namespace harness {
struct ApiAccess;
namespace rpc {
class Job;
}  // namespace rpc
}  // namespace harness

namespace muster {

// Made by Node::start. Call from one thread at a time. Calls end with DeadlineScope::current(), and
// throw NodeError when the node has no answer by then. Reading from a command that could not be
// started, and writing to it, is NodeError kSystem with the reason.
class [[nodiscard]] Process {
 public:
  // Cancels the command if it is still running and not detached, and waits for its end as said
  // above. Processes that an ended command left running are killed. Never throws: the node does the
  // rest as soon as it is reached, or when the session ends.
  ~Process();

  // Moving hands the command over, so a Process can be a member, an element of a vector, or be
  // returned. The assignment first ends the command that the target held, as its destructor would.
  // A Process that was moved from may only be destroyed or assigned to.
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Waits until the command has ended and its output was read, at most until 250 ms after its own
  // deadline or DeadlineScope's, whichever is sooner. Asking again gives the same result, unless
  // that was Result::stillEnding.
  Result wait(std::source_location where = std::source_location::current());

  // Waits as above for at most `within`, and then throws NodeError kTimeout. The command goes on.
  Result wait(std::chrono::nanoseconds within,
              std::source_location where = std::source_location::current());

  // Tells whether the command was running when the node was asked, just now.
  bool running(std::source_location where = std::source_location::current());

  // Sends a signal, to every process of the command unless `target` says otherwise. A command that
  // has ended is not an error. NodeError kInvalid for a number that is no signal.
  void signal(int number, SignalTarget target = SignalTarget::kAll,
              std::source_location where = std::source_location::current());

  // Ends the command and every process of it: TERM, the grace of its options, KILL. Waits for the
  // end and returns the result, whose outcome is kCancelled if the command had not ended before.
  Result cancel(std::source_location where = std::source_location::current());

  // Ends the command as cancel does, with KILL at once. The outcome is kCancelled, too, and not
  // kSignalled.
  Result kill(std::source_location where = std::source_location::current());

  // Adds bytes to standard input and waits until the node holds them. Its window is 1 MiB: beyond
  // that, it waits for the command to read, and takes the output meanwhile. Bytes that a command no
  // longer reads are dropped, and are no error. NodeError kConflict if the input was closed, or
  // given by RunOptions::input, and kLost if the command is lost.
  void write(const std::string& bytes,
             std::source_location where = std::source_location::current());

  // Gives the command end of file on standard input, behind all that was written.
  void closeInput(std::source_location where = std::source_location::current());

  // Returns what the command wrote so far, from its beginning, as far as RunOptions::overflow kept
  // it. The node is asked now; the command may have written more that was not flushed yet.
  std::string output(std::source_location where = std::source_location::current());
  std::string errors(std::source_location where = std::source_location::current());

  // Returns the next line of standard output that was not returned by readLine before, without its
  // newline. Waits for it; absent means that the output ended. A last line without a newline counts
  // once the output has ended; a prompt without one is not seen before that. NodeError kTimeout if
  // `within` passes. output() and wait() take no lines away from it.
  std::optional<std::string> readLine(std::chrono::nanoseconds within,
                                      std::source_location where = std::source_location::current());

  // Reads lines of standard output only, as readLine does, until one contains `text`, and returns
  // that. NodeError kTimeout with the last line seen if `within` passes, kNotFound if the output
  // ends first.
  std::string readUntil(const std::string& text, std::chrono::nanoseconds within,
                        std::source_location where = std::source_location::current());

  // These ask nothing: the command, and the name of its node.
  const Argv& argv() const;
  const std::string& node() const;

  // Returns the first process's number on the node. 0 means that it was not started.
  int pid() const;

 private:
  friend struct harness::ApiAccess;
  explicit Process(std::unique_ptr<harness::rpc::Job> job);

  // Ends the command unless it is detached, and lets the node forget it.
  void end() noexcept;

  // Does what readLine does until `until`, which is the end of a wait of `within`.
  std::optional<std::string> readLineUntil(std::chrono::steady_clock::time_point until,
                                           std::chrono::nanoseconds within,
                                           std::source_location where);

  // Returns the result as known here, with the file of its output.
  Result resultNow();

  // Null means that this was moved from.
  std::unique_ptr<harness::rpc::Job> job_;

  // Is Result::logPath of the final result, once it was asked for.
  std::string logPath_;

  // A final result was asked for.
  bool isTold_ = false;
};

// Prints node, command and pid for gtest.
void PrintTo(const Process& process, std::ostream* out);

}  // namespace muster
