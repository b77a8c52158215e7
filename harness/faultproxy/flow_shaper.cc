#include "harness/faultproxy/flow_shaper.h"

#include <algorithm>
#include <utility>

namespace harness {

using Kind = muster::ByteFault::Kind;
using std::chrono::nanoseconds;

namespace {

// Jitter is drawn for pieces of this size, that of a TCP segment.
constexpr uint64_t kSegmentBytes = 1448;
// Draws for faults are numbered from here, so that they differ from draws for offsets.
constexpr uint64_t kFaultDraws = uint64_t{1} << 62;
constexpr uint64_t kJitterDraws = uint64_t{2} << 62;
constexpr uint64_t kBitDraws = uint64_t{3} << 62;

// Mixes the bits of a number by the finalizer of splitmix64.
uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace

uint64_t drawn(uint64_t seed, uint64_t connection, muster::ProxyFlow flow, uint64_t what) {
  return mixed(mixed(mixed(seed) ^ (connection * 4 + static_cast<uint64_t>(flow))) ^ what);
}

FlowShaper::FlowShaper(const Identity& identity, const muster::FlowFaults& faults,
                       size_t bufferBytesMax)
    : identity_(identity), bufferBytesMax_(bufferBytesMax) {
  setFaults(faults);
}

void FlowShaper::setFaults(const muster::FlowFaults& faults) {
  faults_ = faults;
  places_.clear();
  for (size_t i = 0; i < faults.at.size(); ++i) {
    const muster::ByteFault& fault = faults.at[i];
    uint64_t offset = fault.first;
    if (fault.last && *fault.last > fault.first) {
      uint64_t span = *fault.last - fault.first + 1;
      uint64_t draw = drawn(identity_.seed, identity_.connection, identity_.flow, kFaultDraws + i);
      offset += span == 0 ? draw : draw % span;
    }
    if (offset >= passedTo_) places_.push_back({offset, fault.kind});
  }
  std::stable_sort(places_.begin(), places_.end(),
                   [](const Place& a, const Place& b) { return a.offset < b.offset; });
  pieceEnd_ = passedTo_;
  pieceJitter_ = nanoseconds(0);
  free_ = {};
}

size_t FlowShaper::room() const {
  if (end_) return 0;
  if (swallowing_) return bufferBytesMax_;
  return bufferBytesMax_ - std::min(bufferBytesMax_, buffered());
}

void FlowShaper::arrived(std::string_view bytes, Time now) {
  if (swallowing_) {
    swallowedBytes_ += bytes.size();
    return;
  }
  buffer_.append(bytes);
  arrivals_.push_back({passedTo_ + buffered(), now});
}

void FlowShaper::sourceEnded(SourceEnd how, Time now) {
  if (end_) return;
  end_ = how;
  endedAt_ = now;
}

void FlowShaper::swallow() {
  swallowing_ = true;
  swallowedBytes_ += buffered();
  buffer_.clear();
  head_ = 0;
  arrivals_.clear();
}

void FlowShaper::halfClose() {
  if (swallowing_) return;
  uint64_t offset = passedTo_ + buffered();
  auto behind = std::find_if(places_.begin(), places_.end(),
                             [&](const Place& place) { return place.offset > offset; });
  places_.insert(behind, {offset, Kind::kHalfClose});
}

void FlowShaper::record(Kind kind, uint32_t bit) {
  decisions_.push_back({identity_.connection, identity_.flow, kind, passedTo_, bit});
}

// Applies the faults whose places are reached. Returns a step for a fault that needs one.
std::optional<FlowShaper::Step> FlowShaper::hit(Time now) {
  while (!places_.empty() && places_.front().offset == passedTo_) {
    Kind kind = places_.front().kind;
    if (kind == Kind::kFlipBit) {
      if (buffered() == 0) return std::nullopt;
      uint32_t bit =
          drawn(identity_.seed, identity_.connection, identity_.flow, kBitDraws + passedTo_) % 8;
      buffer_[head_] = static_cast<char>(static_cast<uint8_t>(buffer_[head_]) ^ (1u << bit));
      record(kind, bit);
      places_.pop_front();
      continue;
    }
    record(kind, 0);
    places_.pop_front();
    if (kind == Kind::kBlackhole) {
      faults_.blackhole = true;
      return Step{Step::Kind::kIdle, now, {}};
    }
    swallow();
    if (kind == Kind::kCut) return Step{Step::Kind::kCut, now, {}};
    if (kind == Kind::kReset) return Step{Step::Kind::kReset, now, {}};
    return Step{Step::Kind::kHalfClose, now, {}};
  }
  return std::nullopt;
}

void FlowShaper::enterPiece() {
  if (pieceEnd_ > passedTo_) return;
  uint64_t bytes = kSegmentBytes;
  if (faults_.pieceBytesMax > 0) {
    bytes = 1 + drawn(identity_.seed, identity_.connection, identity_.flow, passedTo_) %
                    faults_.pieceBytesMax;
  }
  pieceEnd_ = passedTo_ + bytes;
  pieceJitter_ = nanoseconds(0);
  if (faults_.jitter.count() > 0) {
    uint64_t draw =
        drawn(identity_.seed, identity_.connection, identity_.flow, kJitterDraws + passedTo_);
    pieceJitter_ = nanoseconds(draw % (static_cast<uint64_t>(faults_.jitter.count()) + 1));
  }
}

FlowShaper::Time FlowShaper::dueAt() const {
  Time due = arrivals_.front().at + faults_.delay + pieceJitter_;
  return std::max({due, lastDue_, free_});
}

FlowShaper::Step FlowShaper::endStep(Time now) {
  if (!end_ || passedEnd_) return {};
  Time due = std::max(endedAt_ + faults_.delay, lastDue_);
  if (due > now) return {Step::Kind::kWait, due, {}};
  passedEnd_ = true;
  bool reset = *end_ == SourceEnd::kReset;
  return {reset ? Step::Kind::kEndByReset : Step::Kind::kEnd, now, {}};
}

FlowShaper::Step FlowShaper::next(Time now) {
  if (swallowing_ || faults_.blackhole) return {};
  if (auto step = hit(now)) return *step;
  if (buffered() == 0) return endStep(now);

  bool shaped = faults_.pieceBytesMax > 0 || faults_.jitter.count() > 0;
  if (shaped) enterPiece();
  Time due = dueAt();
  if (due > now) return {Step::Kind::kWait, due, {}};

  uint64_t bytes = buffered();
  if (shaped) bytes = std::min(bytes, pieceEnd_ - passedTo_);
  // Bytes that arrived later are due later, so a write ends where the first arrival ends.
  if (faults_.delay.count() > 0) {
    bytes = std::min(bytes, arrivals_.front().endOffset - passedTo_);
  }
  if (!places_.empty()) bytes = std::min(bytes, places_.front().offset - passedTo_);
  // A write has at most the bytes of a hundredth of a second, so that a slow line flows evenly.
  if (uint64_t rate = faults_.bytesPerSecond)
    bytes = std::min(bytes, std::max<uint64_t>(rate / 100, 1));
  return {Step::Kind::kWrite, now, std::string_view(buffer_).substr(head_, bytes)};
}

void FlowShaper::wrote(size_t bytes, Time now) {
  passedTo_ += bytes;
  head_ += bytes;
  lastDue_ = std::max(lastDue_, arrivals_.front().at + faults_.delay + pieceJitter_);
  while (!arrivals_.empty() && arrivals_.front().endOffset <= passedTo_) arrivals_.pop_front();
  if (buffered() == 0 || head_ > bufferBytesMax_) {
    buffer_.erase(0, head_);
    head_ = 0;
  }
  if (uint64_t rate = faults_.bytesPerSecond) {
    free_ = std::max(free_, now) + nanoseconds(bytes * 1'000'000'000ull / rate);
  }
}

std::vector<muster::FaultDecision> FlowShaper::takeDecisions() {
  return std::exchange(decisions_, {});
}

uint64_t FlowShaper::takeSwallowedBytes() {
  return std::exchange(swallowedBytes_, 0);
}

}  // namespace harness
