#include "harness/runner/remaining_time.h"

#include <algorithm>

namespace harness::runner {
namespace {

// The first tests of a run may be short, and what they took more or less then says little. These
// seconds are added to both sides of the ratio.
constexpr double kRatioSeconds = 2;

double secondsBetween(RemainingTime::Time from, RemainingTime::Time to) {
  return std::max(0.0, std::chrono::duration<double>(to - from).count());
}

}  // namespace

void RemainingTime::plan(const std::string& id) {
  auto usual = usual_.find(id);
  if (usual == usual_.end()) {
    ++planned_.others;
  } else {
    ++planned_.usual;
    planned_.usualSeconds += usual->second;
  }
}

// A test of which nobody has said that it would run changes nothing.
void RemainingTime::take(const std::string& id) {
  auto usual = usual_.find(id);
  if (usual == usual_.end()) {
    if (planned_.others > 0) --planned_.others;
  } else if (planned_.usual > 0) {
    --planned_.usual;
    planned_.usualSeconds = std::max(0.0, planned_.usualSeconds - usual->second);
  }
}

void RemainingTime::begin(const std::string& id, Time now) {
  take(id);
  running_[id] = now;
  if (!lastEnd_) return;
  gapSeconds_ += secondsBetween(*lastEnd_, now);
  ++gaps_;
  lastEnd_.reset();
}

void RemainingTime::end(const std::string& id, double seconds, Ending ending, Time now) {
  if (running_.erase(id) == 0) {
    take(id);
    return;
  }
  lastEnd_ = now;
  auto usual = usual_.find(id);
  if (usual == usual_.end()) {
    ++ended_.others;
    othersTook_ += seconds;
  } else if (ending == Ending::kPassed) {
    ++ended_.usual;
    ended_.usualSeconds += usual->second;
    usualTook_ += seconds;
  }
}

double RemainingTime::ratio() const {
  return (usualTook_ + kRatioSeconds) / (ended_.usualSeconds + kRatioSeconds);
}

std::optional<double> RemainingTime::secondsOfOther() const {
  if (ended_.others > 0) return othersTook_ / static_cast<double>(ended_.others);
  size_t usual = ended_.usual + planned_.usual;
  if (usual == 0) return std::nullopt;
  return ratio() * (ended_.usualSeconds + planned_.usualSeconds) / static_cast<double>(usual);
}

std::optional<std::chrono::nanoseconds> RemainingTime::left(Time now) const {
  std::optional<double> other = secondsOfOther();
  size_t count = planned_.usual + planned_.others + running_.size();
  bool needsOther = planned_.others > 0 ||
                    std::any_of(running_.begin(), running_.end(),
                                [&](const auto& test) { return !usual_.contains(test.first); });
  if (count == 0 || (needsOther && !other)) return std::nullopt;
  double seconds = ratio() * planned_.usualSeconds;
  seconds += other.value_or(0) * static_cast<double>(planned_.others);
  for (const auto& [id, begin] : running_) {
    auto usual = usual_.find(id);
    double all = usual == usual_.end() ? other.value_or(0) : ratio() * usual->second;
    seconds += std::max(0.0, all - secondsBetween(begin, now));
  }
  if (gaps_ > 0) {
    seconds += gapSeconds_ / static_cast<double>(gaps_) *
               static_cast<double>(planned_.usual + planned_.others);
  }
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
}

}  // namespace harness::runner
