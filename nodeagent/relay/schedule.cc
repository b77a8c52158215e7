#include "nodeagent/relay/schedule.h"

#include <algorithm>

#include "nodeagent/relay/frame.h"

namespace nodeagent::relay {
namespace {

constexpr uint32_t kMillion = 1'000'000;
constexpr double kBitsPerByte = 8;

}  // namespace

Schedule::Schedule(const Shape& shape, Random random, Limit limit)
    : shape_(shape), random_(std::move(random)), limit_(limit) {}

bool Schedule::happens(uint32_t ppm) {
  return ppm > 0 && random_() % kMillion < ppm;
}

int64_t Schedule::drawDelayNs() {
  if (shape_.jitterNs == 0) return shape_.delayNs;
  auto span = static_cast<uint64_t>(shape_.jitterNs) * 2 + 1;
  int64_t delayNs = shape_.delayNs - shape_.jitterNs + static_cast<int64_t>(random_() % span);
  return std::max<int64_t>(delayNs, 0);
}

std::optional<int64_t> Schedule::passedAtNs(size_t bytes, int64_t nowNs) {
  if (shape_.bitsPerSecond == 0) return nowNs;
  int64_t beginsNs = std::max(carriedNs_, nowNs);
  if (beginsNs - nowNs > kRateWaitMaxNs) return std::nullopt;
  double seconds = static_cast<double>(bytes) * kBitsPerByte / shape_.bitsPerSecond;
  carriedNs_ = beginsNs + static_cast<int64_t>(seconds * 1e9);
  return carriedNs_;
}

void Schedule::take(kj::ArrayPtr<const kj::byte> frame, int64_t nowNs) {
  ++count_.taken;
  count_.takenBytes += frame.size();
  takeCopy(frame, nowNs);
  if (!happens(shape_.duplicatePpm)) return;
  ++count_.duplicated;
  takeCopy(frame, nowNs);
}

void Schedule::takeCopy(kj::ArrayPtr<const kj::byte> frame, int64_t nowNs) {
  bool hasSpace = held_.size() < limit_.frames && heldBytes_ + frame.size() <= limit_.bytes;
  std::optional<int64_t> passedNs;
  if (hasSpace) passedNs = passedAtNs(frame.size(), nowNs);
  if (!passedNs) {
    ++count_.lost;
    return;
  }
  HeldFrame held{nowNs, {frame.begin(), frame.end()}};
  if (happens(shape_.corruptPpm) &&
      damage(kj::arrayPtr(held.bytes.data(), held.bytes.size()), random_())) {
    ++count_.damaged;
  }
  int64_t dueNs = *passedNs;
  if (happens(shape_.reorderPpm)) {
    ++count_.overtaking;
  } else {
    dueNs += drawDelayNs();
  }
  if (dueNs > nowNs) ++count_.delayed;
  heldBytes_ += held.bytes.size();
  held_.emplace(dueNs, std::move(held));
}

void Schedule::takeProbe(kj::ArrayPtr<const kj::byte> frame, int64_t nowNs) {
  heldBytes_ += frame.size();
  held_.emplace(nowNs + drawDelayNs(), HeldFrame{nowNs, {frame.begin(), frame.end()}});
}

std::optional<int64_t> Schedule::nextDueNs() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->first;
}

std::optional<HeldFrame> Schedule::next(int64_t nowNs) {
  if (held_.empty() || held_.begin()->first > nowNs) return std::nullopt;
  auto first = held_.extract(held_.begin());
  heldBytes_ -= first.mapped().bytes.size();
  return std::move(first.mapped());
}

}  // namespace nodeagent::relay
