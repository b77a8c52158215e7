#include "nodeagent/os/worker.h"

#include <signal.h>

namespace nodeagent {

Worker::Worker(size_t threads) : threadCount_(threads) {}

Worker::~Worker() noexcept(false) {
  {
    auto queue = queue_.lockExclusive();
    queue->closed = true;
    queue->tasks.clear();
  }
  threads_.clear();  // Joins them.
}

void Worker::post(kj::Function<void()> task) {
  if (threads_.size() < threadCount_) {
    // Signals are the loop's business; the new thread inherits the mask.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    threads_.add(kj::heap<kj::Thread>([this]() { work(); }));
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
