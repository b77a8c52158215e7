#include "harness/values/held_time.h"

#include <gtest/gtest.h>

#include <muster/deadline.h>

namespace harness {
namespace {

using muster::DeadlineScope;
using std::chrono::steady_clock;

// Looks at the clock until it has gone on by a millisecond.
void letTimePass() {
  auto end = steady_clock::now() + std::chrono::milliseconds(1);
  while (steady_clock::now() < end) {
  }
}

TEST(HeldTimeTest, HoldPutsOffTheEndOfOpenScopes) {
  auto end = steady_clock::now() + std::chrono::hours(1);
  DeadlineScope outer(end + std::chrono::hours(1));
  DeadlineScope scope(end);
  auto before = heldTime();
  {
    HeldTime held;
    letTimePass();
    EXPECT_GE(DeadlineScope::current(), end + std::chrono::milliseconds(1));
  }
  auto held = heldTime() - before;
  EXPECT_GE(held, std::chrono::milliseconds(1));
  EXPECT_EQ(DeadlineScope::current(), end + held);
  letTimePass();
  EXPECT_EQ(heldTime() - before, held);
}

TEST(HeldTimeTest, ScopeThatIsOpenedLaterEndsAtItsTime) {
  {
    HeldTime held;
    letTimePass();
  }
  auto end = steady_clock::now() + std::chrono::hours(1);
  DeadlineScope scope(end);
  EXPECT_EQ(DeadlineScope::current(), end);
}

}  // namespace
}  // namespace harness
