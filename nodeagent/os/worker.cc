#include "nodeagent/os/worker.h"

#include <signal.h>
#include <time.h>

namespace nodeagent {
namespace {

constexpr kj::Duration kClosePause = 5 * kj::MILLISECONDS;

}  // namespace

Worker::Worker(size_t threads) : threadCount_(threads) {}

Worker::~Worker() noexcept(false) {
  close(0 * kj::SECONDS);
  threads_.clear();  // Joins them.
}

bool Worker::close(kj::Duration limit) {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    tasks_.clear();
  }
  changed_.notify_all();
  // This polls instead of waiting on the condition, because a thread that is stopped from outside
  // may hold the lock.
  for (auto waited = 0 * kj::SECONDS; living_ > 0 && waited < limit; waited += kClosePause) {
    timespec pause{0, kClosePause / kj::NANOSECONDS};
    nanosleep(&pause, nullptr);
  }
  return living_ == 0;
}

void Worker::post(kj::Function<void()> task) {
  if (threads_.size() < threadCount_) {
    // Signals are handled on the loop. The new thread inherits the full mask.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ++living_;
    threads_.add(kj::heap<kj::Thread>([this]() {
      work();
      --living_;
    }));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(kj::mv(task));
  }
  changed_.notify_one();
}

void Worker::work() {
  for (;;) {
    auto task = next();
    KJ_IF_MAYBE (call, task) {
      (*call)();
    } else {
      return;
    }
  }
}

kj::Maybe<kj::Function<void()>> Worker::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this]() { return closed_ || !tasks_.empty(); });
  if (closed_) return nullptr;
  auto task = kj::mv(tasks_.front());
  tasks_.pop_front();
  return kj::mv(task);
}

}  // namespace nodeagent
