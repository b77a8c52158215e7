#include "nodeagent/metrics/recording.h"

#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent::metrics {

using Kind = wire::Error::Kind;

void SampleRing::add(Sample sample) {
  bytes_ += sample.bytes();
  kept_.push_back({++last_, std::move(sample)});
  while (bytes_ > bytesMax_ && kept_.size() > 1) {
    bytes_ -= kept_.front().sample.bytes();
    lostTo_ = kept_.front().number;
    kept_.pop_front();
  }
}

std::vector<const SampleRing::Numbered*> SampleRing::after(uint64_t after, size_t countMax,
                                                           size_t bytesMax) const {
  std::vector<const Numbered*> some;
  size_t bytes = 0;
  // Numbers have no gaps, so the place of one is known.
  uint64_t first = last_ - kept_.size() + 1;
  size_t begin = after < first ? 0 : static_cast<size_t>(after - first) + 1;
  for (size_t i = begin; i < kept_.size() && some.size() < countMax; ++i) {
    bytes += kept_[i].sample.bytes();
    if (bytes > bytesMax && !some.empty()) break;
    some.push_back(&kept_[i]);
  }
  return some;
}

Recording::Recording(Names names, kj::Duration interval, kj::Timer& timer, const Clock& clock,
                     Worker& worker)
    : names_(kj::mv(names)),
      interval_(interval),
      timer_(timer),
      clock_(clock),
      worker_(worker),
      recording_(
          kj::evalLater([this]() { return recordOn(timer_.now()); }).eagerlyEvaluate(nullptr)) {}

// Samples have a fixed distance, so that the length of a look adds nothing to it. A look that takes
// longer than that is followed by the next one in a full interval.
kj::Promise<void> Recording::recordOn(kj::TimePoint at) {
  return takeOne().then([this, at]() {
    kj::TimePoint next = at + interval_;
    if (next < timer_.now()) next = timer_.now() + interval_;
    return timer_.atTime(next).then([this, next]() { return recordOn(next); });
  });
}

// A sample that cannot be taken is missing, and the next one is tried: threads are stuck, and will
// not be for ever.
kj::Promise<void> Recording::takeOne() {
  auto sampler = kj::mv(sampler_);
  if (sampler.get() == nullptr) {
    sampler = kj::heap<Sampler>(KJ_MAP(name, names_) { return kj::str(name); });
  }
  int64_t realtimeNs = clock_.realtimeNs();
  int64_t boottimeNs = clock_.boottimeNs();
  auto task = [sampler = kj::mv(sampler)]() mutable {
    Sample sample = sampler->take();
    return Taken{std::move(sample), kj::mv(sampler)};
  };
  return worker_.run(kj::mv(task))
      .then(
          [this, realtimeNs, boottimeNs](Taken&& taken) {
            sampler_ = kj::mv(taken.sampler);
            taken.sample.realtimeNs = realtimeNs;
            taken.sample.boottimeNs = boottimeNs;
            samples_.add(std::move(taken.sample));
            changed_.notify();
          },
          [](kj::Exception&& exception) {
            support::logLimited("metrics", support::Level::kWarn, "a sample is missing",
                                {{"reason", support::reasonOf(exception)}});
          });
}

void Recording::requireRunning() const {
  if (isStopped_) support::fail(Kind::NOT_FOUND, "recording: it was stopped");
}

kj::Promise<void> Recording::awaitAfter(uint64_t after, int64_t waitNs) {
  requireRunning();
  if (samples_.last() > after || waitNs <= 0) return kj::READY_NOW;
  if (readers_ >= kReadersMax) {
    support::fail(Kind::OVERLOADED, "recording: ", kReadersMax, " calls wait for it already");
  }
  ++readers_;
  return awaitUntil(after, timer_.now() + waitNs * kj::NANOSECONDS).attach(kj::defer([this]() {
    --readers_;
  }));
}

kj::Promise<void> Recording::awaitUntil(uint64_t after, kj::TimePoint end) {
  return changed_.next()
      .exclusiveJoin(timer_.atTime(end))
      .then([this, after, end]() -> kj::Promise<void> {
        requireRunning();
        if (samples_.last() > after || timer_.now() >= end) return kj::READY_NOW;
        return awaitUntil(after, end);
      });
}

void Recording::stop() {
  isStopped_ = true;
  recording_ = nullptr;
  changed_.notify();
}

}  // namespace nodeagent::metrics
