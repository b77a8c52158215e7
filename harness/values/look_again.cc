#include "harness/values/look_again.h"

#include <algorithm>
#include <string>

#include <muster/deadline.h>
#include <muster/node_error.h>

#include "harness/values/cancellation.h"
#include "harness/values/failure_text.h"
#include "harness/values/wait_time.h"

namespace harness {
namespace {

using muster::DeadlineScope;
using muster::SteadyTime;

// What the calls of the last look may take beyond the longest look so far.
constexpr std::chrono::seconds kLastLookMargin{1};

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

std::string looksText(const Looks& looks) {
  return std::to_string(looks.count) + (looks.count == 1 ? " look" : " looks") + " within " +
         durationText(looks.took) + multipliedText(looks.within);
}

// A state that came after the last look in time, and before its end, would be missed. The last look
// is therefore made at the end, with time of its own, since its calls have none left otherwise. A
// look that is cut off by the end takes its place only if it had as much time as the last one gets,
// because what it saw is no more than that its time was over.
Looks lookAgain(const std::function<bool()>& look, std::chrono::nanoseconds within,
                std::chrono::nanoseconds every) {
  Looks looks;
  looks.within = within;
  SteadyTime begin = now();
  SteadyTime end = begin;
  SteadyTime next = begin;
  std::chrono::nanoseconds longest{0};
  // Returns whether the condition was seen, or the look was the last one.
  auto isOver = [&] {
    SteadyTime start = now();
    auto enough = longest + kLastLookMargin;
    looks.matched = look();
    ++looks.count;
    looks.took = now() - begin;
    longest = std::max<std::chrono::nanoseconds>(longest, now() - start);
    return looks.matched || (now() >= end && end - start >= enough);
  };
  if (within.count() > 0) {
    DeadlineScope scope(within);
    // The scope ends a moment later. A look at that time would have no time for its calls.
    end = std::min(begin + waitTime(within), DeadlineScope::current());
    while (next < end) {
      if (isOver()) return looks;
      next = std::max(next + every, now());
      sleepInScope(std::min(next, end));
      if (std::string reason = scopesCancelledBy(); !reason.empty()) {
        throw muster::NodeError(muster::NodeError::Kind::kCancelled, "", "", reason);
      }
    }
  }
  if (looks.count == 0 || DeadlineScope::remaining().count() > 0) {
    DeadlineScope scope(now() + longest + kLastLookMargin);
    isOver();
  }
  return looks;
}

}  // namespace harness
