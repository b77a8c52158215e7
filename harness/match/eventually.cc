// The one place where a test waits between two looks.
#include <algorithm>
#include <thread>

#include <muster/deadline.h>
#include <muster/eventually.h>

#include "harness/values/failure_text.h"

namespace muster {
namespace internal {

bool poll(const std::function<Observation()>& look, std::chrono::nanoseconds within,
          std::chrono::nanoseconds every, testing::MatchResultListener* listener) {
  DeadlineScope scope(within);
  SteadyTime begin = std::chrono::steady_clock::now();
  SteadyTime next = begin;
  unsigned looks = 0;
  while (true) {
    Observation seen = look();
    ++looks;
    if (seen.matched) return true;
    next = std::max(next + every, std::chrono::steady_clock::now());
    if (next >= DeadlineScope::current()) {
      auto took = std::chrono::steady_clock::now() - begin;
      *listener << "not seen in " << looks << (looks == 1 ? " look" : " looks") << " within "
                << harness::durationText(took) << "; the last saw " << seen.seen
                << (seen.explanation.empty() ? "" : ", ") << seen.explanation;
      return false;
    }
    std::this_thread::sleep_until(next);
  }
}

std::string withinText(std::chrono::nanoseconds within) {
  return "within " + harness::durationText(within);
}

}  // namespace internal
}  // namespace muster
