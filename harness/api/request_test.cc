// Until when a call may take that was made now.
#include "harness/api/request.h"

#include <gtest/gtest.h>

#include <muster/deadline.h>

namespace harness {
namespace {

using namespace std::chrono_literals;
using muster::DeadlineScope;

constexpr auto kOverrunMax = 250ms;

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

TEST(RequestTest, CallEndsWithItsOwnDeadlineWhateverTheGrace) {
  DeadlineScope scope(1h);
  JobRequest request = requestOf({"true"}, {.deadline = 3s, .grace = 1min}, "n1");
  SteadyTime end = endOf(request);
  EXPECT_LT(end, now() + 3s + kOverrunMax);
}

TEST(RequestTest, CallEndsWithTheScopeIfThatIsShorter) {
  DeadlineScope scope(2s);
  JobRequest request = requestOf({"true"}, {.deadline = 1min, .grace = 1min}, "n1");
  EXPECT_LE(*request.options.deadline, 2s);
  EXPECT_LT(endOf(request), DeadlineScope::current() + kOverrunMax);
}

TEST(RequestTest, DetachedCommandsHaveNoDeadlineAndTheirCallsDo) {
  DeadlineScope scope(2s);
  JobRequest request = requestOf({"true"}, {.lifetime = muster::CommandLifetime::kDetached}, "n1");
  EXPECT_EQ(*request.options.deadline, std::chrono::nanoseconds::max());
  EXPECT_LT(endOf(request), DeadlineScope::current() + kOverrunMax);
}

}  // namespace
}  // namespace harness
