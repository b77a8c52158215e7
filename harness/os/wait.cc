#include "harness/os/wait.h"

#include <algorithm>
#include <cstdint>
#include <thread>

namespace harness {
namespace {

constexpr std::chrono::milliseconds kPauseMin{1};
constexpr std::chrono::milliseconds kPauseMax{20};

}  // namespace

Deadline after(std::chrono::nanoseconds time) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(time);
}

int millisecondsUntil(Deadline deadline) {
  auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 3'600'000));
}

bool waitUntil(Deadline deadline, const std::function<bool()>& condition) {
  std::chrono::milliseconds pause = kPauseMin;
  while (!condition()) {
    // The last look is at the deadline, so that a change in the last pause counts.
    Deadline now = std::chrono::steady_clock::now();
    if (now >= deadline) return false;
    std::this_thread::sleep_until(std::min(deadline, now + pause));
    pause = std::min(pause * 2, kPauseMax);
  }
  return true;
}

}  // namespace harness
