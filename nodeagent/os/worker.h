// Runs tasks that may block - directory walks, hashing, fsync, other programs, looks at other
// processes - on threads of its own, so that the loop goes on. Results come back through the loop
// as promises.
//
// A task may also never return, as in a call to a file system that hangs. Its thread is replaced
// then, so that the other tasks go on, up to a bound beyond which tasks are refused.
#pragma once

#include <stddef.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <optional>

#include <kj/async.h>
#include <kj/common.h>
#include <kj/exception.h>
#include <kj/function.h>
#include <kj/memory.h>
#include <kj/thread.h>
#include <kj/time.h>

#include "nodeagent/os/tsan_order.h"

namespace nodeagent {

// Belongs to the thread of one loop. Its destruction drops the tasks that wait and lets those that
// run finish, however long that takes: see close().
class Worker {
 public:
  static constexpr size_t kThreads = 4;
  // Bounds the threads that replace others.
  static constexpr size_t kReplacementsMax = 32;
  static constexpr kj::Duration kPatience = 1 * kj::SECONDS;

  // A thread whose task has run for longer than `patience` is replaced while other tasks wait.
  explicit Worker(size_t threads = kThreads, kj::Duration patience = kPatience);
  virtual ~Worker() noexcept(false);
  KJ_DISALLOW_COPY(Worker);

  // Ends the work when the process ends: drops the tasks that wait, and lets those that run finish
  // for `limit` at most. Returns false if one of them is stuck, in which case destruction would
  // wait for it.
  bool close(kj::Duration limit);

  // Waits, for `limit` at most, until all tasks have been done. Returns false if some have not.
  bool awaitAll(kj::Duration limit) const;

  // Calls `task` on another thread and resolves to its result; an exception arrives here with its
  // type and text. The task itself has been destroyed by then. Dropping the promise does not stop a
  // task that runs, so it must own everything that it uses, and share nothing. Fails with kind
  // overloaded if every thread and every replacement is stuck.
  template <typename Task>
  auto run(Task task) -> kj::Promise<decltype(task())> {
    auto refused = refusal();
    KJ_IF_MAYBE (exception, refused) return kj::mv(*exception);
    return runPatiently(kj::mv(task));
  }

  // Does what run() does, and lets the task wait in the queue when every thread is stuck. The
  // caller bounds its tasks.
  template <typename Task>
  auto runPatiently(Task task) -> kj::Promise<decltype(task())> {
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

  // Calls `task` on another thread, for its effect alone: nobody waits for it, and its failure is
  // logged. It owns everything that it uses.
  template <typename Task>
  void start(Task task) {
    post([task = kj::mv(task)]() mutable {
      KJ_IF_MAYBE (exception, kj::runCatchingExceptions([&]() { task(); })) logFailure(*exception);
    });
  }

 protected:
  // Queues the task. It is virtual for simulations, which have one thread and call the task on it.
  virtual void post(kj::Function<void()> task);

 private:
  using Steady = std::chrono::steady_clock;
  struct Queued {
    kj::Function<void()> call;
    Steady::time_point since;
  };
  // A thread, and since when it has been busy with its task.
  struct Slot {
    std::optional<Steady::time_point> busySince;
    bool hasEnded = false;
    kj::Own<kj::Thread> thread;
  };

  template <typename Task>
  static auto callAndDrop(Task task) {
    return task();
  }
  static void logFailure(const kj::Exception& exception);
  kj::Maybe<kj::Exception> refusal();
  void addThread();
  void work(Slot& slot);
  // Waits for a task; null once this thread shall end.
  kj::Maybe<kj::Function<void()>> next(Slot& slot);
  void supervise();
  size_t livingThreads() const;
  size_t stuckThreads() const;
  void joinEnded();

  const size_t threadCount_;
  const std::chrono::nanoseconds patience_;
  // Not kj::MutexGuarded: ThreadSanitizer does not see the locks of a library built without it.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable supervision_;
  // Guarded by mutex_, as are the members up to `slots_`.
  std::deque<Queued> tasks_;
  bool closed_ = false;
  bool isSupervised_ = false;
  size_t idle_ = 0;
  // Threads begin with the first tasks, so that an idle keeper stays small.
  std::list<Slot> slots_;
  // Watches the queue while a task waits in it.
  kj::Own<kj::Thread> supervisor_;
  // Counts threads that have not ended.
  std::atomic<size_t> living_ = 0;
  // Counts tasks that wait or run.
  std::atomic<size_t> unfinished_ = 0;
};

}  // namespace nodeagent
