// The one place where a test waits between two looks.
#include <algorithm>
#include <thread>

#include <muster/deadline.h>
#include <muster/eventually.h>

#include "harness/values/failure_text.h"

namespace muster {
namespace internal {

namespace {

// What the calls of the last look may take beyond the longest look so far.
constexpr std::chrono::seconds kLastLookMargin{1};

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

// A state that came after the last look in time, and before its end, would be missed. The last look
// is therefore made at the end, with time of its own, since its calls have none left otherwise.
bool poll(const std::function<Observation()>& look, std::chrono::nanoseconds within,
          std::chrono::nanoseconds every, testing::MatchResultListener* listener) {
  SteadyTime begin = now();
  SteadyTime next = begin;
  std::chrono::nanoseconds longest{0};
  unsigned looks = 0;
  Observation seen;
  auto matches = [&] {
    SteadyTime start = now();
    seen = look();
    ++looks;
    longest = std::max<std::chrono::nanoseconds>(longest, now() - start);
    return seen.matched;
  };
  bool lastIsDue = within.count() <= 0;
  if (!lastIsDue) {
    DeadlineScope scope(within);
    SteadyTime end = DeadlineScope::current();
    while (!lastIsDue) {
      if (matches()) return true;
      // A look that took until the end was the last one.
      if (now() >= end) break;
      next = std::max(next + every, now());
      lastIsDue = next >= end;
      std::this_thread::sleep_until(std::min(next, end));
    }
  }
  if (lastIsDue && (looks == 0 || DeadlineScope::remaining().count() > 0)) {
    DeadlineScope scope(longest + kLastLookMargin);
    if (matches()) return true;
  }
  *listener << "not seen in " << looks << (looks == 1 ? " look" : " looks") << " within "
            << harness::durationText(now() - begin) << "; the last saw " << seen.seen
            << (seen.explanation.empty() ? "" : ", ") << seen.explanation;
  return false;
}

std::string withinText(std::chrono::nanoseconds within) {
  return "within " + harness::durationText(within);
}

}  // namespace internal
}  // namespace muster
