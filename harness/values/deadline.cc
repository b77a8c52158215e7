#include <algorithm>

#include <muster/deadline.h>

#include "harness/values/cancellation.h"
#include "harness/values/held_time.h"
#include "harness/values/wait_time.h"

namespace muster {
namespace {

constexpr std::chrono::minutes kWithoutScope{10};

// The innermost scope of each thread, on a clock that stands still while a test is held. It is a
// variable of the thread because matchers, which gtest calls without any context of ours, must keep
// to it.
thread_local SteadyTime scopeEnds = SteadyTime::max();

SteadyTime withoutHolds(SteadyTime time) {
  return time == SteadyTime::max() ? time : time - harness::heldTime();
}

SteadyTime withHolds(SteadyTime time) {
  return time == SteadyTime::max() ? time : time + harness::heldTime();
}

}  // namespace

DeadlineScope::DeadlineScope(std::chrono::nanoseconds within)
    : DeadlineScope(std::chrono::steady_clock::now() + harness::waitTime(within)) {}

DeadlineScope::DeadlineScope(SteadyTime end) : outer_(scopeEnds) {
  scopeEnds = std::min(scopeEnds, withoutHolds(end));
}

DeadlineScope::~DeadlineScope() {
  scopeEnds = outer_;
}

SteadyTime DeadlineScope::current() {
  SteadyTime end = std::min(withHolds(scopeEnds), harness::scopesEnd());
  if (end == SteadyTime::max()) return std::chrono::steady_clock::now() + kWithoutScope;
  return end;
}

std::chrono::nanoseconds DeadlineScope::remaining() {
  return std::max(std::chrono::nanoseconds(0),
                  std::chrono::nanoseconds(current() - std::chrono::steady_clock::now()));
}

}  // namespace muster
