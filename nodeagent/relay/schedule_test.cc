// When frames are sent, how often, and which are lost, with a clock and chance of the test's.
#include "nodeagent/relay/schedule.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace nodeagent::relay {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kSecond = 1'000 * kMs;

Schedule::Random seeded() {
  return [engine = std::mt19937_64(1)]() mutable { return engine(); };
}

struct Sent {
  int64_t atNs;
  uint8_t number;
  size_t size;
};

// Lets time go on and gives each frame out when it is due.
class ScheduleTest : public testing::Test {
 protected:
  void take(Schedule& schedule, uint8_t number, int64_t nowNs, size_t size = 100) {
    std::vector<uint8_t> frame(size, number);
    schedule.take(kj::arrayPtr(frame.data(), frame.size()), nowNs);
  }
  static std::vector<Sent> sendAll(Schedule& schedule) {
    std::vector<Sent> all;
    while (auto dueNs = schedule.nextDueNs()) {
      EXPECT_FALSE(schedule.next(*dueNs - 1)) << "before its time";
      auto frame = schedule.next(*dueNs);
      all.push_back({*dueNs, frame->bytes[0], frame->bytes.size()});
    }
    return all;
  }
  // Takes this many frames, one each millisecond.
  static constexpr int kMany = 20'000;
  std::vector<Sent> sendMany(Schedule& schedule) {
    std::vector<Sent> all;
    for (int i = 0; i < kMany; ++i) {
      take(schedule, static_cast<uint8_t>(i), i * kMs);
      while (auto due = schedule.next(i * kMs)) all.push_back({i * kMs, due->bytes[0], 0});
    }
    for (const Sent& sent : sendAll(schedule)) all.push_back(sent);
    return all;
  }
};

TEST_F(ScheduleTest, NothingAskedForIsNothingDone) {
  Schedule schedule({}, seeded());
  EXPECT_FALSE(schedule.nextDueNs());
  take(schedule, 7, 5 * kMs);
  EXPECT_EQ(schedule.nextDueNs(), 5 * kMs);
  auto all = sendAll(schedule);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].number, 7);
  EXPECT_EQ(schedule.count().delayed, 0u);
  EXPECT_EQ(schedule.count().takenBytes, 100u);
}

TEST_F(ScheduleTest, DelayIsExactAndKeepsTheOrder) {
  Schedule schedule({.delayNs = 50 * kMs}, seeded());
  for (uint8_t i = 0; i < 10; ++i) take(schedule, i, i / 5 * kMs);
  auto all = sendAll(schedule);
  ASSERT_EQ(all.size(), 10u);
  for (uint8_t i = 0; i < 10; ++i) {
    EXPECT_EQ(all[i].number, i);
    EXPECT_EQ(all[i].atNs, (50 + i / 5) * kMs);
  }
  EXPECT_EQ(schedule.count().delayed, 10u);
}

TEST_F(ScheduleTest, JitterStaysInItsBoundsAndUsesThem) {
  Schedule schedule({.delayNs = 50 * kMs, .jitterNs = 20 * kMs}, seeded());
  for (int i = 0; i < 1000; ++i) take(schedule, 0, 0);
  auto all = sendAll(schedule);
  EXPECT_GE(all.front().atNs, 30 * kMs);
  EXPECT_LT(all.front().atNs, 31 * kMs);
  EXPECT_LE(all.back().atNs, 70 * kMs);
  EXPECT_GT(all.back().atNs, 69 * kMs);
}

TEST_F(ScheduleTest, JitterAboveTheDelaySendsNothingBeforeItCame) {
  Schedule schedule({.delayNs = 10 * kMs, .jitterNs = 40 * kMs}, seeded());
  for (int i = 0; i < 100; ++i) take(schedule, 0, kSecond);
  EXPECT_EQ(sendAll(schedule).front().atNs, kSecond);
}

TEST_F(ScheduleTest, ShareOfTheFramesOvertakes) {
  Schedule schedule({.delayNs = 5 * kMs, .reorderPpm = 250'000}, seeded());
  auto all = sendMany(schedule);
  ASSERT_EQ(all.size(), size_t{kMany});
  EXPECT_NEAR(static_cast<double>(schedule.count().overtaking) / kMany, 0.25, 0.02);
  EXPECT_EQ(schedule.count().overtaking + schedule.count().delayed, uint64_t{kMany});
  size_t backwards = 0;
  for (size_t i = 1; i < all.size(); ++i) {
    backwards += static_cast<uint8_t>(all[i].number - all[i - 1].number) > 128 ? 1 : 0;
  }
  EXPECT_GT(backwards, size_t{kMany / 10});
}

TEST_F(ScheduleTest, ShareOfTheFramesIsSentTwice) {
  Schedule schedule({.duplicatePpm = 100'000}, seeded());
  size_t sent = sendMany(schedule).size();
  EXPECT_EQ(sent, kMany + schedule.count().duplicated);
  EXPECT_NEAR(static_cast<double>(schedule.count().duplicated) / kMany, 0.1, 0.01);
  EXPECT_EQ(schedule.count().taken, uint64_t{kMany});
}

// A frame of IPv4 with a datagram in it, all zero but for what makes it one.
TEST_F(ScheduleTest, ShareOfTheFramesIsDamaged) {
  Schedule schedule({.corruptPpm = 500'000}, seeded());
  std::vector<uint8_t> frame(100);
  frame[12] = 8;
  frame[14] = 0x45;
  frame[17] = 86;
  frame[23] = 17;
  uint64_t changed = 0;
  for (int i = 0; i < kMany; ++i) {
    schedule.take(kj::arrayPtr(frame.data(), frame.size()), i);
    changed += schedule.next(i)->bytes == frame ? 0 : 1;
  }
  EXPECT_EQ(changed, schedule.count().damaged);
  EXPECT_NEAR(static_cast<double>(changed) / kMany, 0.5, 0.02);
}

// A thousand bytes take 8 ms at a million bits a second.
TEST_F(ScheduleTest, RateSpacesFramesAndLosesThoseThatWaitTooLong) {
  Schedule schedule({.bitsPerSecond = 1'000'000, .delayNs = kMs}, seeded());
  for (uint8_t i = 0; i < 100; ++i) take(schedule, i, 0, 1000);
  auto all = sendAll(schedule);
  ASSERT_EQ(all.size(), 51u) << "400 ms of frames, and the one that is being sent";
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].atNs, (static_cast<int64_t>(i) + 1) * 8 * kMs + kMs);
  }
  EXPECT_EQ(schedule.count().lost, 49u);
  take(schedule, 0, 10 * kSecond, 1000);
  EXPECT_EQ(schedule.nextDueNs(), 10 * kSecond + 9 * kMs) << "time that passed is not saved up";
}

TEST_F(ScheduleTest, SpaceIsBoundedAndTheNewestIsLost) {
  Schedule schedule({.delayNs = kMs}, seeded(), {.frames = 3, .bytes = 1000});
  for (uint8_t i = 0; i < 5; ++i) take(schedule, i, 0);
  EXPECT_EQ(schedule.heldFrames(), 3u);
  EXPECT_EQ(schedule.count().lost, 2u);
  EXPECT_EQ(sendAll(schedule).back().number, 2);
  take(schedule, 5, kMs, 900);
  take(schedule, 6, kMs, 101);
  EXPECT_EQ(schedule.heldFrames(), 1u) << "the second is one byte too large";
  EXPECT_EQ(schedule.count().lost, 3u);
  sendAll(schedule);
  take(schedule, 7, kMs, 1000);
  EXPECT_EQ(schedule.heldFrames(), 1u);
}

TEST_F(ScheduleTest, ProbeIsDelayedAndNotCounted) {
  Schedule schedule({.delayNs = 5 * kMs, .duplicatePpm = 1'000'000, .reorderPpm = 1'000'000},
                    seeded());
  std::vector<uint8_t> probe(60, 9);
  schedule.takeProbe(kj::arrayPtr(probe.data(), probe.size()), kMs);
  auto all = sendAll(schedule);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].atNs, 6 * kMs);
  EXPECT_EQ(schedule.count().taken, 0u);
}

}  // namespace
}  // namespace nodeagent::relay
