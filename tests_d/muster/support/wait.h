// How the tests of Muster itself wait on this machine: for a condition, with a bound.
//
// What happens on a node is waited for with muster::Eventually; these are for processes, files and
// control groups that a test looks at without an agent. Nothing here asserts.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace muster_tests {

// Waits without a condition, for a moment that is hit by chance or by a seed: the timing of a fault
// is random on purpose.
inline void letPass(std::chrono::nanoseconds time) {
  std::this_thread::sleep_for(time);
}

// Asks `holds` until it is true, at least once, with `pause` in between. False: it was not true
// when `within` had passed.
//
//   EXPECT_TRUE(becomesTrue([&] { return fs::exists(socket); }, 5s));
inline bool becomesTrue(const std::function<bool()>& holds, std::chrono::nanoseconds within,
                        std::chrono::nanoseconds pause = std::chrono::milliseconds(10)) {
  auto deadline = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    letPass(pause);
  }
  return true;
}

}  // namespace muster_tests
