// Runs tasks that may block - directory walks, hashing, fsync, other programs - on threads of its
// own, so that the loop goes on. Results come back through the loop as promises.
#pragma once

#include <stddef.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include <kj/async.h>
#include <kj/common.h>
#include <kj/exception.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/thread.h>
#include <kj/time.h>
#include <kj/vector.h>

#include "nodeagent/os/tsan_order.h"

namespace nodeagent {

// Belongs to the thread of one loop. Its destruction drops the tasks that wait and lets those that
// run finish, however long that takes: see close().
class Worker {
 public:
  static constexpr size_t kThreads = 4;

  explicit Worker(size_t threads = kThreads);
  virtual ~Worker() noexcept(false);
  KJ_DISALLOW_COPY(Worker);

  // Ends the work when the process ends: drops the tasks that wait, and lets those that run finish
  // for `limit` at most. Returns false if one of them is stuck, in which case destruction would
  // wait for it.
  bool close(kj::Duration limit);

  // Calls `task` on another thread and resolves to its result; an exception arrives here with its
  // type and text. The task itself has been destroyed by then. Dropping the promise does not stop a
  // task that runs, so it must own everything that it uses, and share nothing.
  template <typename Task>
  auto run(Task task) -> kj::Promise<decltype(task())> {
    using Result = decltype(task());
    auto pair = kj::newPromiseAndCrossThreadFulfiller<Result>();
    post([this, task = kj::mv(task), fulfiller = kj::mv(pair.fulfiller)]() mutable {
      if (!fulfiller->isWaiting()) return;
      auto failure = kj::runCatchingExceptions([&]() {
        if constexpr (kj::isSameType<Result, void>()) {
          callAndDrop(kj::mv(task));
          tsanRelease(this);
          fulfiller->fulfill();
        } else {
          auto result = callAndDrop(kj::mv(task));
          tsanRelease(this);
          fulfiller->fulfill(kj::mv(result));
        }
      });
      KJ_IF_MAYBE (exception, failure) {
        tsanRelease(this);
        fulfiller->reject(kj::mv(*exception));
      }
    });
    return tsanAcquire(kj::mv(pair.promise), this);
  }

 protected:
  // Queues the task. It is virtual for simulations, which have one thread and call the task on it.
  virtual void post(kj::Function<void()> task);

 private:
  template <typename Task>
  static auto callAndDrop(Task task) {
    return task();
  }
  void work();
  // Waits for a task; null once closed.
  kj::Maybe<kj::Function<void()>> next();

  // Not kj::MutexGuarded: ThreadSanitizer does not see the locks of a library built without it.
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_, as is closed_.
  std::deque<kj::Function<void()>> tasks_;
  bool closed_ = false;
  // Counts threads that have not ended.
  std::atomic<size_t> living_ = 0;
  size_t threadCount_;
  // Started with the first task, so that an idle keeper stays small.
  kj::Vector<kj::Own<kj::Thread>> threads_;
};

}  // namespace nodeagent
