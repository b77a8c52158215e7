#include "harness/values/look_again.h"

#include <algorithm>
#include <string>

#include <muster/deadline.h>
#include <muster/node_error.h>

#include "harness/values/cancellation.h"
#include "harness/values/failure_text.h"

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
         durationText(looks.took);
}

// A state that came after the last look in time, and before its end, would be missed. The last look
// is therefore made at the end, with time of its own, since its calls have none left otherwise.
Looks lookAgain(const std::function<bool()>& look, std::chrono::nanoseconds within,
                std::chrono::nanoseconds every) {
  Looks looks;
  SteadyTime begin = now();
  SteadyTime next = begin;
  std::chrono::nanoseconds longest{0};
  auto matches = [&] {
    SteadyTime start = now();
    looks.matched = look();
    ++looks.count;
    longest = std::max<std::chrono::nanoseconds>(longest, now() - start);
    looks.took = now() - begin;
    return looks.matched;
  };
  bool lastIsDue = within.count() <= 0;
  if (!lastIsDue) {
    DeadlineScope scope(within);
    SteadyTime end = DeadlineScope::current();
    while (!lastIsDue) {
      if (matches()) return looks;
      // A look that took until the end was the last one.
      if (now() >= end) break;
      next = std::max(next + every, now());
      lastIsDue = next >= end;
      sleepInScope(std::min(next, end));
      if (std::string reason = scopesCancelledBy(); !reason.empty()) {
        throw muster::NodeError(muster::NodeError::Kind::kCancelled, "", "", reason);
      }
    }
  }
  if (lastIsDue && (looks.count == 0 || DeadlineScope::remaining().count() > 0)) {
    DeadlineScope scope(longest + kLastLookMargin);
    matches();
  }
  return looks;
}

}  // namespace harness
