// How far a node's clock is from ours, from the readings that hello and ping bring along.
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

// Our clocks, read together.
struct OurClock {
  int64_t boottimeNs = 0;
  int64_t realtimeNs = 0;

  static OurClock now();
};

// One call that brought the node's clock.
struct ClockSample {
  int64_t sentBoottimeNs = 0;      // Ours, before the call was sent.
  int64_t receivedBoottimeNs = 0;  // Ours, after its answer came.
  int64_t nodeBoottimeNs = 0;      // The node's, somewhere between.
  int64_t nodeRealtimeNs = 0;
};

class ClockFilter {
 public:
  // A sample that cannot be, such as one of an agent that sends no clock, is left out.
  void add(const ClockSample& sample);

  // The node was booted anew: its clocks are others.
  void reset() { count_ = 0; }

  // Absent: there was no sample since the node was booted.
  std::optional<muster::ClockEstimate> estimate(const OurClock& now) const;

 private:
  static constexpr size_t kSamplesMax = 8;

  std::array<ClockSample, kSamplesMax> samples_;
  size_t count_ = 0;  // Ever added; the next one goes to count_ % kSamplesMax.
};

}  // namespace harness
