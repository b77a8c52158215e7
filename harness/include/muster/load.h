// Counts what a test does to its system, so that faults of a nemesis run (--nemesis) strike a
// system at work.
//
//   Load writes("writes", {.floorPerSecond = 20});
//   do {
//     ASSERT_THAT(client.run(write), Succeeded());
//     writes.did();
//   } while (nemesisGoesOn());
//
// The first fault waits until each Load has come to its floor. If one does not in time, or the test
// ends before a fault was seen, the test fails with "infrastructure: nemesis: vacuous: …" and the
// program's status is 2: it has proved nothing. The rates before, during and after each fault are
// in the timeline of the run.
//
// Things to get right:
//   * Make it at the beginning of the test, or in SetUp. The first fault comes half a second after
//     the body has begun at the earliest, and waits for those that are there then.
//   * Count what has succeeded, not what was tried.
//   * Without --nemesis it counts, and nothing else. A test without a Load has no floor; if it
//   passes
//     before a fault was seen, it counts as skipped.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace harness {
struct LoadCounter;
}

namespace muster {

struct LoadOptions {
  // Is the least rate, over the last second, before the first fault. 0 means that it is only
  // reported.
  double floorPerSecond = 1;

  // Is the time for the rate to come to its floor, from when the first fault is due.
  std::chrono::nanoseconds within = std::chrono::seconds(30);
};

// Counts until it is destroyed. Two of one name are two loads.
class Load {
 public:
  // `name` is for texts. Throws NodeError kInvalid for an empty name or one of over 100 bytes, for
  // a floor or a time that is negative or not finite, and for the 101st load at a time.
  explicit Load(const std::string& name, const LoadOptions& options = {});
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Notes that something was done. Any thread may call it, and the next one.
  void did(uint64_t count = 1);

  // Returns how much was done so far.
  uint64_t count() const;

 private:
  // Shared with the run of the program, which looks at it from another thread.
  std::shared_ptr<harness::LoadCounter> counter_;
};

// Tells whether faults of the test's nemesis plan are still to come, or go on. False without
// --nemesis, and when the plan is over or was given up. Any thread may ask.
bool nemesisGoesOn();

}  // namespace muster
