#include "nodeagent/disk/disturbance.h"

#include <algorithm>

namespace nodeagent::disk {

void Disturbance::wait(uint64_t bytes) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (isOver_ || (spec_.delayNs == 0 && spec_.bytesPerSecond == 0)) return;
  ++count_.delayed;
  auto until = servedAt(spec_, Clock::now(), bytes, carried_);
  ended_.wait_until(lock, until, [this]() { return isOver_; });
}

int Disturbance::nextWrite() {
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t number = ++count_.writes;
  bool fails = !isOver_ && spec_.failFrom != 0 && number >= spec_.failFrom &&
               (spec_.failCount == 0 || number - spec_.failFrom < spec_.failCount);
  if (!fails) return 0;
  ++count_.failed;
  return spec_.failError;
}

void Disturbance::end() {
  std::lock_guard<std::mutex> lock(mutex_);
  isOver_ = true;
  ended_.notify_all();
}

DisturbanceCount Disturbance::count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return count_;
}

Disturbance::Clock::time_point Disturbance::servedAt(const DisturbanceSpec& spec,
                                                     Clock::time_point now, uint64_t bytes,
                                                     Clock::time_point& carried) {
  if (spec.bytesPerSecond == 0) return now + std::chrono::nanoseconds(spec.delayNs);
  // Requests that come together queue for the disk, as they do for a real one.
  double seconds = static_cast<double>(bytes) / static_cast<double>(spec.bytesPerSecond);
  carried = std::max(now, carried) +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  return carried + std::chrono::nanoseconds(spec.delayNs);
}

}  // namespace nodeagent::disk
