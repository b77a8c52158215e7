#include "harness/rpc/job/input_pace.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace harness {
namespace {

using std::chrono::nanoseconds;

constexpr size_t kWindowBytes = 1 << 20;

// What came of an input of `total` bytes for a command that reads `bytesPerSecond`, where a round
// trip takes 100 us.
struct Fed {
  uint64_t sent = 0;
  nanoseconds time{0};
  // The time during which the command had nothing to read.
  nanoseconds starved{0};
};

Fed feed(uint64_t total, double bytesPerSecond) {
  Fed fed;
  InputPace pace;
  double window = 0;
  auto pass = [&](nanoseconds time) {
    double read = static_cast<double>(time.count()) * bytesPerSecond / 1e9;
    if (read > window && fed.time > nanoseconds(0)) {
      fed.starved += nanoseconds(static_cast<int64_t>((read - window) / bytesPerSecond * 1e9));
    }
    window = std::max(0.0, window - read);
    fed.time += time;
  };
  for (uint64_t accepted = 0; accepted < total;) {
    pass(pace.pause() + std::chrono::microseconds(100));
    auto offered = static_cast<size_t>(std::min<uint64_t>(pace.chunkBytes(), total - accepted));
    auto taken = std::min(offered, static_cast<size_t>(kWindowBytes - window));
    pace.note(offered, taken);
    fed.sent += offered;
    accepted += taken;
    window += static_cast<double>(taken);
  }
  return fed;
}

TEST(InputPaceTest, CommandThatKeepsUpGetsChunksThatGrow) {
  Fed fed = feed(64 << 20, 50e9);
  EXPECT_EQ(fed.sent, 64u << 20);
  // Chunks of 64 KiB would need a thousand round trips.
  EXPECT_LT(fed.time, std::chrono::milliseconds(20));
}

TEST(InputPaceTest, SlowCommandIsNeitherStarvedNorFlooded) {
  for (double bytesPerSecond : {1e6, 20e6, 300e6}) {
    auto total = static_cast<uint64_t>(bytesPerSecond * 2);
    Fed fed = feed(total, bytesPerSecond);
    EXPECT_LT(fed.sent, 3 * total) << bytesPerSecond;
    EXPECT_LT(fed.starved, fed.time / 20) << bytesPerSecond;
  }
}

TEST(InputPaceTest, CommandThatReadsNothingIsAskedRarely) {
  InputPace pace;
  for (int i = 0; i < 10; ++i) pace.note(pace.chunkBytes(), 0);
  EXPECT_EQ(pace.chunkBytes(), InputPace::kChunkBytesLeast);
  EXPECT_EQ(pace.pause(), InputPace::kPauseMost);
}

}  // namespace
}  // namespace harness
