// Estimates how far a node's clock is from ours, from the readings that hello and ping bring along.
// It asks no node itself.
//
// Offset and delay are computed as in NTP (RFC 5905, section 8), with the node's one reading as
// both its receive and its transmit time. Of the last eight samples the one with the smallest error
// bound counts, as in the clock filter of section 10; its bound, half of its round trip, grows by
// 15 ppm with its age. Samples compare CLOCK_BOOTTIME of both sides, so that setting either clock,
// or suspending either machine, spoils none; the wall clocks are put in at the end, as of the
// newest sample.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <muster/node_state.h>

namespace harness {

// A reading of both of our clocks together.
struct OurClock {
  int64_t boottimeNs = 0;
  int64_t realtimeNs = 0;

  static OurClock now();
};

// One call that brought the node's clock.
struct ClockSample {
  // Our clock before the call was sent.
  int64_t sentBoottimeNs = 0;

  // Our clock after its answer came.
  int64_t receivedBoottimeNs = 0;

  // The node's clock at some moment between the two.
  int64_t nodeBoottimeNs = 0;
  int64_t nodeRealtimeNs = 0;
};

class ClockFilter {
 public:
  // Adds a sample, unless it cannot be right, such as one of an agent that sends no clock.
  void add(const ClockSample& sample);

  // Forgets all samples, because a node that was booted anew has other clocks.
  void reset() { count_ = 0; }

  // Returns the estimate for `now`. Absent: there was no sample since the node was booted.
  std::optional<muster::ClockEstimate> estimate(const OurClock& now) const;

 private:
  static constexpr size_t kSamplesMax = 8;

  std::array<ClockSample, kSamplesMax> samples_;

  // The number of samples ever added. The next one goes to count_ % kSamplesMax.
  size_t count_ = 0;
};

}  // namespace harness
