// Lets so many begin at a time, and the others wait in order.
//
// A thousand nodes that are connected at once would each get a thousandth of the io thread, and all
// of them would be too late. For the io thread only.
#pragma once

#include <stddef.h>

#include <deque>

#include <kj/async.h>
#include <kj/memory.h>

namespace harness {

class Turns {
 public:
  explicit Turns(size_t most) : most_(most) {}
  KJ_DISALLOW_COPY(Turns);

  // Destroying it lets the next one begin. Must not outlive its Turns.
  class Turn {
   public:
    explicit Turn(Turns& owner) : owner_(owner) {}
    ~Turn() noexcept(false) { owner_.giveBack(); }
    KJ_DISALLOW_COPY(Turn);

   private:
    Turns& owner_;
  };

  // May be dropped at any time.
  kj::Promise<kj::Own<Turn>> take() {
    if (taken_ < most_) {
      ++taken_;
      return kj::heap<Turn>(*this);
    }
    auto pair = kj::newPromiseAndFulfiller<kj::Own<Turn>>();
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
      next->fulfill(kj::heap<Turn>(*this));
    }
  }

  size_t most_;
  size_t taken_ = 0;
  std::deque<kj::Own<kj::PromiseFulfiller<kj::Own<Turn>>>> waiting_;
};

}  // namespace harness
