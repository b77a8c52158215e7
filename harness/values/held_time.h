// Tells how long tests of this process were held for somebody to look at their nodes
// (harness/fixture/hold.h). That time counts for no limit of a test: every DeadlineScope
// (muster/deadline.h) is longer by it.
//
// The state belongs to the process, as scopes belong to threads. All functions may be called from
// any thread.
#pragma once

#include <chrono>

namespace harness {

// Returns the time of all holds so far, that of one which goes on included.
std::chrono::nanoseconds heldTime();

// While it lives, time is that of a hold. There is one at a time.
class HeldTime {
 public:
  HeldTime();
  ~HeldTime();
  HeldTime(const HeldTime&) = delete;
  HeldTime& operator=(const HeldTime&) = delete;
};

}  // namespace harness
