// How unit tests of the agent wait for a process or a file that tells nobody when it changes. What
// runs on an event loop is awaited as a promise instead.
#pragma once

#include <time.h>

#include <functional>

namespace nodeagent {

// Asks `holds` every millisecond, for at most ten seconds.
inline bool becomesTrue(const std::function<bool()>& holds) {
  for (int look = 0; look < 10'000; ++look) {
    if (holds()) return true;
    timespec pause{0, 1'000'000};
    nanosleep(&pause, nullptr);
  }
  return false;
}

}  // namespace nodeagent
