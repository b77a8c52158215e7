// Decides what becomes of each frame that a relay takes: when it is sent, how often, and whether it
// is damaged. It holds the frames until then, in a bounded space. It neither reads a clock nor
// sends; its caller says what time it is, and where chance comes from.
//
//   Schedule schedule(shape, random);
//   schedule.take(frame, nowNs);
//   while (auto due = schedule.next(nowNs)) send(due->bytes);
//   sleepUntil(schedule.nextDueNs());
#pragma once

#include <stdint.h>

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include <kj/array.h>

namespace nodeagent::relay {

// What the frames suffer. The default is nothing. Shares are of a million.
struct Shape {
  // 0: as fast as they come. A frame that would wait for more than kRateWaitMaxNs is lost.
  uint64_t bitsPerSecond = 0;
  // Each frame waits for this time, give or take the jitter.
  int64_t delayNs = 0;
  int64_t jitterNs = 0;
  // Are sent twice, each copy with a delay of its own.
  uint32_t duplicatePpm = 0;
  // Are not delayed, and so overtake the others.
  uint32_t reorderPpm = 0;
  uint32_t corruptPpm = 0;

  bool operator==(const Shape&) const = default;
};

constexpr int64_t kRateWaitMaxNs = 400'000'000;

// What became of the frames so far. Copies count as frames but in `taken`.
struct ScheduleCount {
  uint64_t taken = 0;
  uint64_t takenBytes = 0;
  uint64_t delayed = 0;
  uint64_t duplicated = 0;
  uint64_t overtaking = 0;
  uint64_t damaged = 0;
  // The rate or the space did not allow them.
  uint64_t lost = 0;
};

struct HeldFrame {
  int64_t takenNs = 0;
  std::vector<uint8_t> bytes;
};

// Belongs to one thread. Times are of one clock of the caller's, which never goes back.
class Schedule {
 public:
  // Returns 64 random bits.
  using Random = std::function<uint64_t()>;

  // How much is held at most. A frame for which there is no space is lost.
  struct Limit {
    size_t frames = 65536;
    size_t bytes = 64 << 20;
  };

  Schedule(const Shape& shape, Random random, Limit limit);
  Schedule(const Shape& shape, Random random) : Schedule(shape, std::move(random), Limit()) {}

  void take(kj::ArrayPtr<const kj::byte> frame, int64_t nowNs);

  // Takes a frame that is delayed and suffers nothing else, and does not count it.
  void takeProbe(kj::ArrayPtr<const kj::byte> frame, int64_t nowNs);

  // Returns when the next frame is due; absent if none is held.
  std::optional<int64_t> nextDueNs() const;

  // Gives out the frame that is due first, if it is due.
  std::optional<HeldFrame> next(int64_t nowNs);

  const ScheduleCount& count() const { return count_; }
  size_t heldFrames() const { return held_.size(); }

 private:
  bool happens(uint32_t ppm);
  int64_t drawDelayNs();
  void takeCopy(kj::ArrayPtr<const kj::byte> frame, int64_t nowNs);
  // Returns when the frame has passed the rate; absent if it would wait for too long.
  std::optional<int64_t> passedAtNs(size_t bytes, int64_t nowNs);

  const Shape shape_;
  const Random random_;
  const Limit limit_;
  // By the time at which they are due. Those of one time keep their order.
  std::multimap<int64_t, HeldFrame> held_;
  size_t heldBytes_ = 0;
  // When the rate has carried the frames that came so far.
  int64_t carriedNs_ = 0;
  ScheduleCount count_;
};

}  // namespace nodeagent::relay
