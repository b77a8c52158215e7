// Tells that one of some paths has changed, by inotify. It does not tell which one: the reader
// looks again.
#pragma once

#include <string>
#include <vector>

#include <kj/async-unix.h>
#include <kj/io.h>
#include <kj/refcount.h>
#include <kj/timer.h>

namespace nodeagent::logs {

// The kernel's side. Worker threads add paths, and the loop waits.
class ChangeQueue final : public kj::AtomicRefcounted {
 public:
  ChangeQueue();
  KJ_DISALLOW_COPY(ChangeQueue);

  // False: the kernel has no queue left (fs.inotify.max_user_instances).
  bool works() const { return queue_.get() >= 0; }
  int fd() const { return queue_.get(); }

  // Watches the paths too. It looks them up, so it belongs on a worker thread.
  void watch(const std::vector<std::string>& paths) const;

 private:
  kj::AutoCloseFd queue_;
};

// Belongs to the loop.
class ChangeWatch final {
 public:
  // Changes that nothing tells of, as on a network file system, are looked for this often.
  static constexpr kj::Duration kLookAgain = 1 * kj::SECONDS;
  // Without a queue everything is.
  static constexpr kj::Duration kPoll = 50 * kj::MILLISECONDS;

  enum class Paths {
    kWatched,
    // Nothing tells of the source's news.
    kNone
  };

  ChangeWatch(kj::UnixEventPort& port, kj::Timer& timer);
  KJ_DISALLOW_COPY(ChangeWatch);

  const ChangeQueue& queue() const { return *queue_; }
  kj::Own<const ChangeQueue> share() const { return kj::atomicAddRef(*queue_); }

  // Resolves when something may have changed since the last call, or it is time to look again.
  kj::Promise<void> changed(Paths paths);

 private:
  // Empties the queue. False: it was empty.
  bool drain();

  kj::Timer& timer_;
  kj::Own<const ChangeQueue> queue_;
  kj::Maybe<kj::Own<kj::UnixEventPort::FdObserver>> observer_;
};

}  // namespace nodeagent::logs
