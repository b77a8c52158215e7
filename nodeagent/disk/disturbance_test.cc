#include "nodeagent/disk/disturbance.h"

#include <errno.h>

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace nodeagent::disk {
namespace {

using namespace std::chrono_literals;

std::vector<int> errorsOfWrites(Disturbance& disturbance, int count) {
  std::vector<int> errors;
  for (int i = 0; i < count; ++i) errors.push_back(disturbance.nextWrite());
  return errors;
}

TEST(DisturbanceTest, ExactlyTheChosenWritesFail) {
  Disturbance two({.failFrom = 2, .failCount = 2, .failError = EIO});
  EXPECT_EQ(errorsOfWrites(two, 5), std::vector<int>({0, EIO, EIO, 0, 0}));
  EXPECT_EQ(two.count().writes, 5u);
  EXPECT_EQ(two.count().failed, 2u);
  Disturbance all({.failFrom = 3, .failError = ENOSPC});
  EXPECT_EQ(errorsOfWrites(all, 5), std::vector<int>({0, 0, ENOSPC, ENOSPC, ENOSPC}));
  Disturbance none({.failError = EIO});
  EXPECT_EQ(errorsOfWrites(none, 3), std::vector<int>({0, 0, 0}));
}

TEST(DisturbanceTest, NoWriteFailsAfterTheEnd) {
  Disturbance all({.failFrom = 1, .failError = EIO});
  EXPECT_EQ(all.nextWrite(), EIO);
  all.end();
  EXPECT_EQ(all.nextWrite(), 0);
}

TEST(DisturbanceTest, DelayIsAddedToEachRequest) {
  Disturbance::Clock::time_point carried = {};
  auto now = Disturbance::Clock::time_point(10s);
  DisturbanceSpec spec{.delayNs = 50'000'000};
  EXPECT_EQ(Disturbance::servedAt(spec, now, 4096, carried), now + 50ms);
  EXPECT_EQ(Disturbance::servedAt(spec, now, 4096, carried), now + 50ms);
}

TEST(DisturbanceTest, RequestsQueueForTheirRate) {
  Disturbance::Clock::time_point carried = {};
  auto now = Disturbance::Clock::time_point(10s);
  DisturbanceSpec spec{.delayNs = 1'000'000, .bytesPerSecond = 1000};
  EXPECT_EQ(Disturbance::servedAt(spec, now, 500, carried), now + 501ms);
  EXPECT_EQ(Disturbance::servedAt(spec, now, 250, carried), now + 751ms);
  // An idle disk saves nothing up.
  EXPECT_EQ(Disturbance::servedAt(spec, now + 60s, 500, carried), now + 60501ms);
}

TEST(DisturbanceTest, EndLetsAllThatWaitGoOn) {
  Disturbance slow({.delayNs = 3600'000'000'000});
  std::thread waiting([&]() { slow.wait(1); });
  while (slow.count().delayed == 0) std::this_thread::yield();
  slow.end();
  waiting.join();
  slow.wait(1);
  EXPECT_EQ(slow.count().delayed, 1u);
}

}  // namespace
}  // namespace nodeagent::disk
