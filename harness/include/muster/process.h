// A command that is running on a node while the test goes on.
//
// It belongs to the scope that holds it: destroying a Process ends the command with everything that
// it started, unless it is detached. Losing the connection does not: the output goes on at the
// exact byte when the node is back.
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

// Made by Node::start. Call from one thread at a time. Calls throw NodeError, and end with
// DeadlineScope::current().
class Process {
 public:
  // Cancels the command if it is still running and not detached. Never throws: what could not be
  // done is done by the node when the session ends.
  ~Process();

  // Moving hands the command over, so a Process can be a member, an element of a vector, or be
  // returned. The assignment first ends the command that the target held, as its destructor would.
  // A Process that was moved from may only be destroyed or assigned to.
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Waits until the command has ended and its output was read, at most until its own deadline (and
  // DeadlineScope's). NodeError kTimeout if `within` passes first; the command goes on. Asking
  // again gives the same result, unless that was stillEnding.
  Result wait(std::source_location where = std::source_location::current());
  Result wait(std::chrono::nanoseconds within,
              std::source_location where = std::source_location::current());

  // Whether the command was running when the node was asked, just now.
  bool running(std::source_location where = std::source_location::current());

  // Sends a signal. A command that has ended is not an error.
  void signal(int number, SignalTarget target = SignalTarget::kAll,
              std::source_location where = std::source_location::current());

  // Ends the command and every process of it: TERM, the grace of its options, KILL. Waits for the
  // end and returns the result, whose outcome is kCancelled if the command had not ended before.
  Result cancel(std::source_location where = std::source_location::current());

  // As cancel, without grace.
  Result kill(std::source_location where = std::source_location::current());

  // Adds bytes to standard input and waits until the node holds them (its window is 1 MiB).
  void write(const std::string& bytes,
             std::source_location where = std::source_location::current());

  // End of file on standard input.
  void closeInput(std::source_location where = std::source_location::current());

  // What the command wrote so far, from its beginning, asked from the node now.
  std::string output(std::source_location where = std::source_location::current());
  std::string errors(std::source_location where = std::source_location::current());

  // The next line of standard output that was not returned by readLine before, without its newline.
  // Waits for it; absent: the output ended. A last line without a newline counts. NodeError
  // kTimeout if `within` passes.
  std::optional<std::string> readLine(std::chrono::nanoseconds within,
                                      std::source_location where = std::source_location::current());

  // Reads lines until one contains `text` and returns it. NodeError kTimeout with the last line
  // seen if `within` passes, kNotFound if the output ends first.
  std::string readUntil(const std::string& text, std::chrono::nanoseconds within,
                        std::source_location where = std::source_location::current());

  const Argv& argv() const;
  const std::string& node() const;

  // Of the first process; 0 if it was not started.
  int pid() const;

 private:
  friend struct harness::ApiAccess;
  explicit Process(std::unique_ptr<harness::rpc::Job> job);

  // Ends the command unless it is detached, and lets the node forget it.
  void end() noexcept;

  // Null: this was moved from.
  std::unique_ptr<harness::rpc::Job> job_;
  size_t linesReadTo_ = 0;
};

// For gtest: node, command and pid.
void PrintTo(const Process& process, std::ostream* out);

}  // namespace muster
