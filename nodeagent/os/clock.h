// Reads the node's clocks. It is the seam that lets tests of leases run without waiting.
#pragma once

#include <stdint.h>

namespace nodeagent {

// Readings are nanoseconds. Safe to read from any thread.
class Clock {
 public:
  virtual ~Clock() noexcept(false) = default;

  // Reads CLOCK_BOOTTIME, which counts suspended time too and is never set. Leases and deadlines
  // use it.
  virtual int64_t boottimeNs() const = 0;

  // Reads CLOCK_MONOTONIC, which does not count suspended time. Timers of the event loop go by it.
  virtual int64_t monotonicNs() const = 0;

  // Reads CLOCK_REALTIME, for people and for certificates; it may jump by years.
  virtual int64_t realtimeNs() const = 0;
};

// Returns the kernel's clocks, which live as long as the process.
const Clock& systemClock();

// A clock that stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  int64_t boottimeNs() const override { return boottimeNs_; }
  int64_t monotonicNs() const override { return boottimeNs_; }
  int64_t realtimeNs() const override { return kRealtimeAtBootNs + boottimeNs_; }
  void advance(int64_t elapsedNs) { boottimeNs_ += elapsedNs; }

 private:
  static constexpr int64_t kRealtimeAtBootNs = 1'700'000'000'000'000'000;
  int64_t boottimeNs_ = 1'000'000'000;
};

}  // namespace nodeagent
