// Limits how many connection attempts run at once; the others wait in order. It times nothing
// itself.
//
// A thousand nodes that are connected at once would each get a thousandth of the io thread, and all
// of them would be too late. A node that does not answer must not keep its slot for long. A node
// that is slow because the machine is busy must keep it: otherwise ever more attempts would run,
// each of them slower, until all were too late. For the io thread only.
#pragma once

#include <stddef.h>

#include <algorithm>
#include <deque>

#include <kj/async.h>
#include <kj/memory.h>
#include <kj/time.h>

namespace harness {

class ConnectSlots {
 public:
  explicit ConnectSlots(size_t most) : most_(most) {}
  KJ_DISALLOW_COPY(ConnectSlots);

  static constexpr kj::Duration kHoldMin = 250 * kj::MILLISECONDS;
  static constexpr kj::Duration kHoldMax = 3 * kj::SECONDS;

  // Returns how long an attempt may hold its slot: several times the time that attempts took which
  // succeeded lately.
  kj::Duration holdMax() const { return std::clamp(4 * usual_, kHoldMin, kHoldMax); }

  // Takes in that an attempt has succeeded after `took`.
  void noteSuccess(kj::Duration took) { usual_ = (3 * usual_ + took) / 4; }

  // The right to make one attempt. Destroying it lets the next attempt begin. It must not outlive
  // its ConnectSlots.
  class Slot {
   public:
    explicit Slot(ConnectSlots& owner) : owner_(owner) {}
    ~Slot() noexcept(false) { owner_.giveBack(); }
    KJ_DISALLOW_COPY(Slot);

   private:
    ConnectSlots& owner_;
  };

  // Resolves with a slot when it is the caller's turn. The promise may be dropped at any time.
  kj::Promise<kj::Own<Slot>> take() {
    if (taken_ < most_) {
      ++taken_;
      return kj::heap<Slot>(*this);
    }
    auto pair = kj::newPromiseAndFulfiller<kj::Own<Slot>>();
    waiting_.push_back(kj::mv(pair.fulfiller));
    return kj::mv(pair.promise);
  }

 private:
  void giveBack() {
    --taken_;
    while (taken_ < most_ && !waiting_.empty()) {
      auto next = kj::mv(waiting_.front());
      waiting_.pop_front();
      if (!next->isWaiting()) continue;
      ++taken_;
      next->fulfill(kj::heap<Slot>(*this));
    }
  }

  size_t most_;
  size_t taken_ = 0;
  kj::Duration usual_ = 0 * kj::NANOSECONDS;
  std::deque<kj::Own<kj::PromiseFulfiller<kj::Own<Slot>>>> waiting_;
};

}  // namespace harness
