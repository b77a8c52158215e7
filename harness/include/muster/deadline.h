// Bounds the time of calls on nodes that name no bound of their own. Every such call ends at the
// deadline of its thread.
//
//   DeadlineScope scope(2s);
//   node.facts();
//
// The fixture opens one scope for each test, so a call's default is the test's remaining time. A
// scope interrupts nothing but calls of this library: a loop or a sleep of the test goes on.
//
// Things to get right:
//   * --wait-multiplier (docs/reference/running.md) stretches scopes, as it does every limit of a
//     wait.
//   * A scope belongs to the thread that made it. Threads that a test starts have none.
//   * A command that Node::run starts within a scope is killed when the scope ends. To shorten one
//     command only, set RunOptions::deadline.
//   * Calls that are begun after the end throw NodeError kTimeout or kUnreachable.
//   * A signal that ends the program (docs/reference/running.md) ends the scopes of all threads, so
//     that a loop that looks at remaining() ends, and calls throw NodeError kCancelled.
#pragma once

#include <chrono>

namespace muster {

using SteadyTime = std::chrono::steady_clock::time_point;

// Ends calls of this thread at the latest when the innermost scope ends. Scopes only ever shorten
// the time: an inner one cannot outlive an outer. Use it as a local variable.
class DeadlineScope {
 public:
  // The scope ends `within` from now. With zero or less its time is over at once.
  explicit DeadlineScope(std::chrono::nanoseconds within);

  // The scope ends at `end`, which nothing stretches.
  explicit DeadlineScope(SteadyTime end);

  // The outer scope holds again. It must run in the thread that made the scope, and scopes must be
  // destroyed in the reverse order of their making.
  ~DeadlineScope();
  DeadlineScope(const DeadlineScope&) = delete;
  DeadlineScope& operator=(const DeadlineScope&) = delete;

  // Returns when calls of this thread must have ended. Without any scope it is ten minutes from
  // now.
  static SteadyTime current();

  // Returns the time until current(), and zero if that has passed.
  static std::chrono::nanoseconds remaining();

 private:
  SteadyTime outer_;
};

}  // namespace muster
