#include "harness/values/cancellation.h"

#include <future>

#include <gtest/gtest.h>

namespace harness {
namespace {

using muster::DeadlineScope;
using std::chrono::minutes;
using std::chrono::steady_clock;

// Puts things right for the other tests of this process.
class CancellationTest : public testing::Test {
 protected:
  ~CancellationTest() override { resumeScopes(muster::SteadyTime::max()); }
};

TEST_F(CancellationTest, EndsOpenScopesOfEachThread) {
  DeadlineScope scope(minutes(5));
  EXPECT_GT(DeadlineScope::remaining().count(), 0);
  std::async(std::launch::async, [] { cancelScopes("cancelled: SIGINT"); }).get();
  EXPECT_EQ(DeadlineScope::remaining().count(), 0);
  EXPECT_EQ(scopesCancelledBy(), "cancelled: SIGINT");
}

TEST_F(CancellationTest, ResumedScopesEndAtTheTimeForTearDowns) {
  DeadlineScope scope(minutes(5));
  cancelScopes("cancelled: SIGINT");
  muster::SteadyTime end = steady_clock::now() + minutes(1);
  resumeScopes(end);
  EXPECT_EQ(DeadlineScope::current(), end);
  EXPECT_EQ(scopesCancelledBy(), "");
}

TEST_F(CancellationTest, WakesThoseThatSleep) {
  muster::SteadyTime end = steady_clock::now() + minutes(5);
  auto sleeper = std::async(std::launch::async, [end] { sleepInScope(end); });
  cancelScopes("cancelled: SIGINT");
  sleeper.get();
  EXPECT_LT(steady_clock::now(), end);
}

}  // namespace
}  // namespace harness
