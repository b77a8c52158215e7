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
    auto queue = queue_.lockExclusive();
    queue->closed = true;
    queue->tasks.clear();
  }
  // Not by the lock: a thread that is held from outside may have it.
  for (auto waited = 0 * kj::SECONDS; living_ > 0 && waited < limit; waited += kClosePause) {
    timespec pause{0, kClosePause / kj::NANOSECONDS};
    nanosleep(&pause, nullptr);
  }
  return living_ == 0;
}

void Worker::post(kj::Function<void()> task) {
  if (threads_.size() < threadCount_) {
    // Signals are the loop's business; the new thread inherits the mask.
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
  queue_.lockExclusive()->tasks.push_back(kj::mv(task));
}

void Worker::work() {
  for (;;) {
    kj::Maybe<kj::Function<void()>> task =
        queue_.when([](const Queue& queue) { return queue.closed || !queue.tasks.empty(); },
                    [](Queue& queue) -> kj::Maybe<kj::Function<void()>> {
                      if (queue.closed) return nullptr;
                      auto next = kj::mv(queue.tasks.front());
                      queue.tasks.pop_front();
                      return kj::mv(next);
                    });
    KJ_IF_MAYBE (next, task) {
      (*next)();
    } else {
      return;
    }
  }
}

}  // namespace nodeagent
