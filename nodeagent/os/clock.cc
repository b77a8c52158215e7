#include "nodeagent/os/clock.h"

#include <time.h>

#include <kj/debug.h>

namespace nodeagent {
namespace {

int64_t readClock(clockid_t which) {
  struct timespec now;
  KJ_SYSCALL(clock_gettime(which, &now));
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

class SystemClock final : public Clock {
 public:
  int64_t boottimeNs() const override { return readClock(CLOCK_BOOTTIME); }
  int64_t monotonicNs() const override { return readClock(CLOCK_MONOTONIC); }
  int64_t realtimeNs() const override { return readClock(CLOCK_REALTIME); }
};

}  // namespace

const Clock& systemClock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace nodeagent
