#include "nodeagent/os/look_until.h"

#include <time.h>

#include "nodeagent/os/clock.h"

namespace nodeagent {

bool lookUntil(int64_t limitNs, kj::FunctionParam<bool()> isDone) {
  constexpr long kPauseNs = 2'000'000;
  int64_t untilNs = systemClock().monotonicNs() + limitNs;
  for (;;) {
    bool isLast = systemClock().monotonicNs() >= untilNs;
    if (isDone()) return true;
    if (isLast) return false;
    struct timespec pause {
      0, kPauseNs
    };
    nanosleep(&pause, nullptr);
  }
}

}  // namespace nodeagent
