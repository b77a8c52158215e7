// Waits on this machine for a condition, with a bound, in the tests of Muster itself.
//
// These functions are for processes, files and control groups that a test sees without an agent. A
// test waits for conditions on a node with muster::Eventually. Nothing here asserts.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace muster_tests {

// Waits without a condition. Tests pass a time drawn by chance or by a seed, because the moment of
// a fault is random on purpose.
inline void letPass(std::chrono::nanoseconds time) {
  std::this_thread::sleep_for(time);
}

// Calls `holds` until it is true, at least once, with `pause` in between. False if it was not true
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
