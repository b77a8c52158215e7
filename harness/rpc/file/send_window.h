// How many chunks of one transfer are under way at a time: as many as keep a fast link busy, and
// so few on a slow one that a heartbeat behind them is not late.
#pragma once

#include <stddef.h>

#include <algorithm>
#include <chrono>

namespace harness {

// Of one chunk. A whole window of them is what a transfer holds in memory.
constexpr size_t kChunkBytes = 512 << 10;

class SendWindow {
 public:
  static constexpr size_t kMost = 8;

  // An answer that takes longer tells of a link, or an end, that is slower than what is sent.
  static constexpr std::chrono::milliseconds kSlow{300};

  bool allows(size_t underWay) const { return underWay < most_; }

  // A chunk was answered so long after it was sent.
  void note(std::chrono::nanoseconds took) {
    most_ = took > kSlow ? std::max<size_t>(most_ / 2, 1) : std::min(most_ + 1, kMost);
  }

 private:
  size_t most_ = 2;
};

}  // namespace harness
