// Bounds the chunks of one transfer that are under way at a time: many keep a fast link busy, and
// few on a slow one let a heartbeat behind them be in time. It sends nothing itself.
#pragma once

#include <stddef.h>

#include <algorithm>
#include <chrono>

namespace harness {

// The size of one chunk. A transfer holds a whole window of chunks in memory.
constexpr size_t kChunkBytes = 512 << 10;

class SendWindow {
 public:
  static constexpr size_t kMost = 8;

  // An answer that takes longer tells of a link, or an end, that is slower than the sending.
  static constexpr std::chrono::milliseconds kSlow{300};

  bool allows(size_t underWay) const { return underWay < most_; }

  // Takes in that a chunk was answered `took` after it was sent.
  void note(std::chrono::nanoseconds took) {
    most_ = took > kSlow ? std::max<size_t>(most_ / 2, 1) : std::min(most_ + 1, kMost);
  }

 private:
  size_t most_ = 2;
};

}  // namespace harness
