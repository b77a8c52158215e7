#include "harness/values/at_once.h"

#include <atomic>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include <muster/deadline.h>

namespace harness {
namespace {

using muster::DeadlineScope;
using namespace std::chrono_literals;

TEST(AtOnceTest, CallsAreMadeAtOnceAndKnowTheDeadline) {
  DeadlineScope scope(5s);
  std::atomic<size_t> begun{0};
  std::atomic<bool> isBounded{true};
  atOnce(4, 64, [&](size_t) {
    ++begun;
    // Ends only when all four are under way.
    while (begun < 4 && DeadlineScope::remaining().count() > 0) std::this_thread::yield();
    if (DeadlineScope::remaining() > 5s) isBounded = false;
  });
  EXPECT_EQ(begun, 4u);
  EXPECT_TRUE(isBounded);
  EXPECT_GT(DeadlineScope::remaining().count(), 0);
}

TEST(AtOnceTest, NoMoreCallsRunThanThereAreThreads) {
  std::atomic<size_t> running{0};
  std::atomic<size_t> most{0};
  std::atomic<size_t> done{0};
  atOnce(20, 2, [&](size_t) {
    size_t now = ++running;
    for (size_t seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    // Gives others the time to be one too many.
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    --running;
    ++done;
  });
  EXPECT_EQ(done, 20u);
  EXPECT_LE(most, 2u);
}

TEST(AtOnceTest, RestIsDoneWhenACallThrows) {
  std::atomic<size_t> done{0};
  auto work = [&](size_t i) {
    ++done;
    if (i == 0) throw std::runtime_error("wrong");
  };
  EXPECT_THROW(atOnce(100, 64, work), std::runtime_error);
  EXPECT_EQ(done, 100u);
}

}  // namespace
}  // namespace harness
