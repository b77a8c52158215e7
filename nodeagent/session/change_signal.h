// Wakes all callers that wait for something to change, such as a job or a stream. It does not say
// what changed, so each caller looks again.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>
#include <kj/vector.h>

namespace nodeagent {

class ChangeSignal {
 public:
  // Resolves at the next notify(). The caller may drop the promise.
  kj::Promise<void> next() {
    if (waiting_.size() >= kCleanAt) clean();
    auto pair = kj::newPromiseAndFulfiller<void>();
    waiting_.add(kj::mv(pair.fulfiller));
    return kj::mv(pair.promise);
  }

  // Resolves as next() does, and after `waitNs` at the latest.
  kj::Promise<void> next(kj::Timer& timer, int64_t waitNs) {
    return next().exclusiveJoin(timer.afterDelay(waitNs * kj::NANOSECONDS));
  }

  // Resolves every promise that next() has given out.
  void notify() {
    if (waiting_.empty()) return;
    auto waiting = kj::mv(waiting_);
    waiting_ = {};
    for (auto& fulfiller : waiting) fulfiller->fulfill();
  }

 private:
  // Dropped promises leave their fulfillers behind; they are removed when this number waits.
  static constexpr size_t kCleanAt = 64;

  void clean() {
    kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> left;
    for (auto& fulfiller : waiting_) {
      if (fulfiller->isWaiting()) left.add(kj::mv(fulfiller));
    }
    waiting_ = kj::mv(left);
  }

  kj::Vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
};

}  // namespace nodeagent
