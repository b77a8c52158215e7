#include "nodeagent/os/worker.h"

#include <time.h>

#include <algorithm>

#include "nodeagent/os/signals_blocked.h"
#include "schema/support/base/log.h"
#include "schema/support/base/wire_error.h"

namespace nodeagent {
namespace {

constexpr kj::Duration kClosePause = 5 * kj::MILLISECONDS;

// Polls instead of waiting on a condition, because a thread that is stopped from outside may hold
// the lock.
bool becomesZero(const std::atomic<size_t>& count, kj::Duration limit) {
  for (auto waited = 0 * kj::SECONDS; count > 0 && waited < limit; waited += kClosePause) {
    timespec pause{0, kClosePause / kj::NANOSECONDS};
    nanosleep(&pause, nullptr);
  }
  return count == 0;
}

}  // namespace

Worker::Worker(size_t threads, kj::Duration patience)
    : threadCount_(threads), patience_(patience / kj::NANOSECONDS) {}

Worker::~Worker() noexcept(false) {
  close(0 * kj::SECONDS);
  // The supervisor is joined first, because it may add a thread. The threads look at all slots
  // until they end, so each is joined before any slot goes.
  supervisor_ = nullptr;
  for (Slot& slot : slots_) slot.thread = nullptr;
}

bool Worker::close(kj::Duration limit) {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    unfinished_ -= tasks_.size();
    tasks_.clear();
  }
  changed_.notify_all();
  supervision_.notify_all();
  return becomesZero(living_, limit);
}

bool Worker::awaitAll(kj::Duration limit) const {
  return becomesZero(unfinished_, limit);
}

void Worker::logFailure(const kj::Exception& exception) {
  support::log(support::Level::kError, "a task of a worker failed",
               {{"exception", exception.getDescription()}});
}

kj::Maybe<kj::Exception> Worker::refusal() {
  std::lock_guard lock(mutex_);
  size_t most = threadCount_ + kReplacementsMax;
  if (slots_.size() < most || stuckThreads() < most) return nullptr;
  return support::toException(
      {wire::Error::Kind::OVERLOADED, 0,
       kj::str(most,
               " calls of this kind do not return, which is the limit; a file system hangs, "
               "or a program of the node does")});
}

void Worker::post(kj::Function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    joinEnded();
    ++unfinished_;
    tasks_.push_back({kj::mv(task), Steady::now()});
    if (tasks_.size() > idle_) {
      if (livingThreads() < threadCount_) {
        addThread();
      } else if (!isSupervised_) {
        isSupervised_ = true;
        SignalsBlocked blocked;
        ++living_;
        // An earlier supervisor has ended, or is about to.
        supervisor_ = kj::heap<kj::Thread>([this]() {
          supervise();
          --living_;
        });
      }
    }
  }
  changed_.notify_one();
}

// The caller holds the lock.
void Worker::addThread() {
  SignalsBlocked blocked;
  ++living_;
  Slot& slot = slots_.emplace_back();
  slot.thread = kj::heap<kj::Thread>([this, &slot]() {
    work(slot);
    --living_;
  });
}

// Joins threads that are not needed any more, which return at once. The caller holds the lock,
// which such a thread does not take again.
void Worker::joinEnded() {
  std::erase_if(slots_, [](const Slot& slot) { return slot.hasEnded; });
}

size_t Worker::livingThreads() const {
  return static_cast<size_t>(
      std::count_if(slots_.begin(), slots_.end(), [](auto& slot) { return !slot.hasEnded; }));
}

size_t Worker::stuckThreads() const {
  auto before = Steady::now() - patience_;
  return static_cast<size_t>(std::count_if(slots_.begin(), slots_.end(), [&](auto& slot) {
    return slot.busySince && *slot.busySince <= before;
  }));
}

// Adds a thread for each that has been busy with one task for too long, while another task waits.
// It is a thread of its own, because the worker's may all be stuck, and the loop may have nothing
// to post.
void Worker::supervise() {
  std::unique_lock lock(mutex_);
  while (!closed_ && !tasks_.empty()) {
    supervision_.wait_for(lock, patience_ / 4);
    if (closed_ || tasks_.empty()) break;
    if (Steady::now() - tasks_.front().since < patience_) continue;
    size_t wanted = threadCount_ + std::min(stuckThreads(), kReplacementsMax);
    if (livingThreads() < wanted) addThread();
  }
  isSupervised_ = false;
}

void Worker::work(Slot& slot) {
  for (;;) {
    auto task = next(slot);
    KJ_IF_MAYBE (call, task) {
      (*call)();
    } else {
      return;
    }
    task = nullptr;
    --unfinished_;
  }
}

kj::Maybe<kj::Function<void()>> Worker::next(Slot& slot) {
  std::unique_lock lock(mutex_);
  slot.busySince = std::nullopt;
  // A thread that was stuck and has been replaced is one too many.
  if (livingThreads() - stuckThreads() <= threadCount_) {
    ++idle_;
    changed_.wait(lock, [this]() { return closed_ || !tasks_.empty(); });
    --idle_;
    if (!closed_) {
      auto task = kj::mv(tasks_.front().call);
      tasks_.pop_front();
      slot.busySince = Steady::now();
      return kj::mv(task);
    }
  }
  slot.hasEnded = true;
  return nullptr;
}

}  // namespace nodeagent
