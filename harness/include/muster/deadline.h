// Until when calls may take, when they do not say so themselves. Every call on a node is bounded by
// this.
//
// The fixture opens one scope for each test, so the default of every call is the test's remaining
// time.
#pragma once

#include <chrono>

namespace muster {

using SteadyTime = std::chrono::steady_clock::time_point;

// Calls of this thread end at the latest when the innermost scope does. Scopes only ever shorten
// the time: an inner one cannot outlive an outer. Use as a local variable, destroyed in the thread
// that made it.
class DeadlineScope {
 public:
  explicit DeadlineScope(std::chrono::nanoseconds within);
  ~DeadlineScope();
  DeadlineScope(const DeadlineScope&) = delete;
  DeadlineScope& operator=(const DeadlineScope&) = delete;

  // When calls of this thread must have ended. Without any scope, ten minutes from now.
  static SteadyTime current();

  // The time until current(); zero if it has passed.
  static std::chrono::nanoseconds remaining();

 private:
  SteadyTime outer_;
};

}  // namespace muster
