// One recording: takes samples at an interval, keeps the newest of them within a bound, and gives
// them to a reader by their numbers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <string>
#include <vector>

#include <kj/async.h>
#include <kj/refcount.h>
#include <kj/timer.h>

#include "nodeagent/metrics/sampler.h"
#include "nodeagent/os/clock.h"
#include "nodeagent/os/worker.h"
#include "nodeagent/session/change_signal.h"

namespace nodeagent::metrics {

// The kept samples of a recording, the newest, as many as have their place in `bytesMax`.
class SampleRing final {
 public:
  struct Numbered {
    uint64_t number = 0;
    Sample sample;
  };

  explicit SampleRing(size_t bytesMax) : bytesMax_(bytesMax) {}

  // Numbers the sample, and drops the oldest ones that have no place any more. The newest is kept
  // in any case.
  void add(Sample sample);

  // Returns the samples numbered above `after`, in order, until they are `countMax` or take more
  // than `bytesMax`; one at least, if there is one.
  std::vector<const Numbered*> after(uint64_t after, size_t countMax, size_t bytesMax) const;

  // Returns the number of the last sample; 0 if there was none.
  uint64_t last() const { return last_; }
  // Returns the number of the newest sample that was dropped; 0 if none was.
  uint64_t lostTo() const { return lostTo_; }
  size_t bytes() const { return bytes_; }

 private:
  const size_t bytesMax_;
  std::deque<Numbered> kept_;
  size_t bytes_ = 0;
  uint64_t last_ = 0;
  uint64_t lostTo_ = 0;
};

// Belongs to the loop. A reader that waits keeps it alive.
class Recording final : public kj::Refcounted {
 public:
  static constexpr size_t kBytesMax = 2 << 20;
  static constexpr size_t kReadersMax = 8;

  using Names = kj::Array<kj::String>;

  // Begins with a sample. The clocks and the worker outlive it.
  Recording(Names names, kj::Duration interval, kj::Timer& timer, const Clock& clock,
            Worker& worker);
  KJ_DISALLOW_COPY(Recording);

  const SampleRing& samples() const { return samples_; }

  // Resolves when there is a sample numbered above `after`, at `waitNs`, or when it was stopped.
  // Fails with kind overloaded if kReadersMax calls wait, and notFound once it was stopped.
  kj::Promise<void> awaitAfter(uint64_t after, int64_t waitNs);

  // Takes no more samples, and wakes the readers.
  void stop();

  kj::Own<Recording> addRef() { return kj::addRef(*this); }

 private:
  struct Taken {
    Sample sample;
    kj::Own<Sampler> sampler;
  };

  kj::Promise<void> recordOn(kj::TimePoint at);
  kj::Promise<void> takeOne();
  kj::Promise<void> awaitUntil(uint64_t after, kj::TimePoint end);
  void requireRunning() const;

  const Names names_;
  const kj::Duration interval_;
  kj::Timer& timer_;
  const Clock& clock_;
  Worker& worker_;
  // Null while a task has it, and after a task that failed.
  kj::Own<Sampler> sampler_;
  SampleRing samples_{kBytesMax};
  ChangeSignal changed_;
  size_t readers_ = 0;
  bool isStopped_ = false;
  kj::Promise<void> recording_ = nullptr;
};

}  // namespace nodeagent::metrics
