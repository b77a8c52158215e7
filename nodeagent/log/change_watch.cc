#include "nodeagent/log/change_watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "nodeagent/log/find_files.h"

namespace nodeagent::logs {
namespace {

constexpr uint32_t kEvents =
    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_MOVE_SELF | IN_DELETE_SELF;

// Bounds the way up to a directory that exists.
constexpr int kParentsMax = 64;

}  // namespace

ChangeQueue::ChangeQueue() : queue_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

void ChangeQueue::watch(const std::vector<std::string>& paths) const {
  if (!works()) return;
  for (const std::string& path : paths) {
    std::string at = path;
    for (int i = 0; i < kParentsMax; ++i) {
      // A path that is watched already stays so.
      if (::inotify_add_watch(queue_, at.c_str(), kEvents) >= 0) break;
      if ((errno != ENOENT && errno != ENOTDIR) || at == "/") break;
      at = directoryOf(at);
    }
  }
}

ChangeWatch::ChangeWatch(kj::UnixEventPort& port, kj::Timer& timer)
    : timer_(timer), queue_(kj::atomicRefcounted<ChangeQueue>()) {
  if (!queue_->works()) return;
  observer_ = kj::heap<kj::UnixEventPort::FdObserver>(port, queue_->fd(),
                                                      kj::UnixEventPort::FdObserver::OBSERVE_READ);
}

kj::Promise<void> ChangeWatch::changed(Paths paths) {
  KJ_IF_MAYBE (observer, observer_) {
    if (paths == Paths::kWatched) {
      // The kernel tells only of what comes after the queue was empty.
      if (drain()) return kj::READY_NOW;
      auto told = (*observer)->whenBecomesReadable().then([this]() { drain(); });
      return told.exclusiveJoin(timer_.afterDelay(kLookAgain));
    }
  }
  return timer_.afterDelay(kPoll);
}

bool ChangeWatch::drain() {
  char events[4096];
  bool had = false;
  while (::read(queue_->fd(), events, sizeof(events)) > 0) had = true;
  return had;
}

}  // namespace nodeagent::logs
