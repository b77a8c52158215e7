#include "harness/rpc/clock_filter.h"

#include <time.h>

#include <algorithm>

namespace harness {
namespace {

// RFC 5905, section 7.2: the frequency tolerance PHI, 15 microseconds a second.
constexpr int64_t kDriftDivisor = 66'667;

int64_t read(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec;
}

int64_t roundTripOf(const ClockSample& sample) {
  return sample.receivedBoottimeNs - sample.sentBoottimeNs;
}

int64_t errorOf(const ClockSample& sample, int64_t nowBoottimeNs) {
  int64_t age = std::max<int64_t>(0, nowBoottimeNs - sample.receivedBoottimeNs);
  return (roundTripOf(sample) + 1) / 2 + age / kDriftDivisor;
}

}  // namespace

OurClock OurClock::now() {
  return {read(CLOCK_BOOTTIME), read(CLOCK_REALTIME)};
}

void ClockFilter::add(const ClockSample& sample) {
  if (sample.nodeBoottimeNs <= 0 || roundTripOf(sample) < 0) return;
  samples_[count_++ % kSamplesMax] = sample;
}

std::optional<muster::ClockEstimate> ClockFilter::estimate(const OurClock& now) const {
  if (count_ == 0) return std::nullopt;
  auto end = samples_.begin() + static_cast<long>(std::min(count_, kSamplesMax));
  auto best = std::min_element(samples_.begin(), end, [&](const auto& a, const auto& b) {
    return errorOf(a, now.boottimeNs) < errorOf(b, now.boottimeNs);
  });
  const ClockSample& newest = samples_[(count_ - 1) % kSamplesMax];
  int64_t midpoint = best->sentBoottimeNs + roundTripOf(*best) / 2;
  int64_t boottimeOffset = best->nodeBoottimeNs - midpoint;
  int64_t nodeWall = newest.nodeRealtimeNs - newest.nodeBoottimeNs;
  int64_t ourWall = now.realtimeNs - now.boottimeNs;
  muster::ClockEstimate estimate;
  estimate.offset = std::chrono::nanoseconds(boottimeOffset + nodeWall - ourWall);
  estimate.errorMax = std::chrono::nanoseconds(errorOf(*best, now.boottimeNs));
  estimate.roundTrip = std::chrono::nanoseconds(roundTripOf(newest));
  return estimate;
}

}  // namespace harness
