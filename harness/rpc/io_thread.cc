// The thread itself: its queue, its start and its end. Waiting for a value is in the header.
#include "harness/rpc/io_thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include <kj/debug.h>

#include "harness/rpc/dial.h"
#include "schema/support/base/log.h"

namespace harness {
namespace {

class LoggedFailures final : public kj::TaskSet::ErrorHandler {
 public:
  void taskFailed(kj::Exception&& exception) override {
    support::log(support::Level::kDebug, "background work of the io thread failed",
                 {{"error", exception.getDescription()}});
  }
};

}  // namespace

// Returns when the loop runs, so that timer() and its siblings can be used at once.
IoThread::IoThread() : process_(getpid()) {
  KJ_SYSCALL(wakeFd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  // A thread inherits the mask of its maker, and signals are the test thread's business.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this]() { runLoop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::unique_lock<std::mutex> lock(mutex_);
  started_.wait(lock, [this]() { return running_; });
}

IoThread::~IoThread() {
  stop();
  close(wakeFd_);
}

void IoThread::stop() {
  if (!thread_.joinable()) return;
  post([this]() { end_->fulfill(); });
  thread_.join();
}

// Queues first and wakes second, so that the loop finds the function when it wakes.
bool IoThread::post(std::function<void()> function) {
  // The lock may be held here for ever: the thread that held it is not in this process.
  if (getpid() != process_) return false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return false;
    queue_.push_back(std::move(function));
  }
  uint64_t one = 1;
  // The write cannot fail, since the counter cannot overflow.
  KJ_ASSERT(write(wakeFd_, &one, sizeof one) == sizeof one);
  return true;
}

void IoThread::failRefused() {
  if (getpid() == process_) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!refusal_.empty()) kj::throwFatalException(cancelledCall(refusal_.c_str()));
    support::fail(wire::Error::Kind::INTERNAL, "the connections were closed");
  }
  support::fail(wire::Error::Kind::INVALID,
                "this process is a fork of the one that has the connections");
}

// The promises are dropped, which wakes their callers. Their ends are not in the way: a dropped
// call is one that the caller gave up.
void IoThread::refuseCalls(const std::string& reason) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    refusal_ = reason;
  }
  post([this]() { calls_ = nullptr; });
}

void IoThread::allowCalls() {
  post([this]() {
    if (calls_ == nullptr) calls_ = std::make_unique<kj::TaskSet>(*taskErrors_);
  });
}

void IoThread::spawn(kj::Promise<void> promise) {
  tasks_->add(kj::mv(promise));
}

kj::Promise<kj::Own<kj::AsyncIoStream>> IoThread::dial(const AgentRoute& route,
                                                       const std::string& node,
                                                       std::chrono::nanoseconds limit) {
  return harness::dial(*port_, *timer_, tlsClients_, route, node, limit);
}

// Runs the loop until stop(). Three steps end it without leaving a caller waiting:
//
//   1. The promise of stop() ends the wait, and with it the draining of the queue.
//   2. `ended_` is set under the lock, so that each later post is refused and not left in the
//   queue.
//   3. Functions that were queued and never ran are destroyed, then the tasks: each of them holds a
//      guard whose destruction wakes its caller.
void IoThread::runLoop() {
  support::KjLogCallback logCallback;
  auto io = kj::setupAsyncIo();
  LoggedFailures handler;
  auto end = kj::newPromiseAndFulfiller<void>();
  kj::TaskSet tasks(handler);
  kj::UnixEventPort::FdObserver observer(io.unixEventPort, wakeFd_,
                                         kj::UnixEventPort::FdObserver::OBSERVE_READ);
  timer_ = &io.provider->getTimer();
  port_ = &io.unixEventPort;
  lowLevel_ = io.lowLevelProvider.get();
  provider_ = io.provider.get();
  tasks_ = &tasks;
  taskErrors_ = &handler;
  calls_ = std::make_unique<kj::TaskSet>(handler);
  end_ = end.fulfiller.get();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    running_ = true;
  }
  started_.notify_all();
  auto drain = drainQueue(observer);
  end.promise.exclusiveJoin(kj::mv(drain)).wait(io.waitScope);
  std::deque<std::function<void()>> dropped;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    dropped.swap(queue_);
  }
  calls_ = nullptr;
}

kj::Promise<void> IoThread::drainQueue(kj::UnixEventPort::FdObserver& observer) {
  return observer.whenBecomesReadable().then([this, &observer]() {
    uint64_t count;
    // One read takes the whole count, and all functions that were queued before it are found below.
    // A read that finds no count means that an earlier turn has taken them.
    bool isRead = read(wakeFd_, &count, sizeof count) > 0;
    KJ_ASSERT(isRead || errno == EAGAIN || errno == EINTR);
    std::deque<std::function<void()>> ready;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      ready.swap(queue_);
    }
    for (auto& function : ready) function();
    return drainQueue(observer);
  });
}

void IoThread::Waiter::finish() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    done = true;
  }
  // The lock is free by now: the waiter would wake up only to wait for it.
  changed.notify_all();
}

void IoThread::waitFor(Waiter& waiter, muster::SteadyTime until) {
  std::unique_lock<std::mutex> lock(waiter.mutex);
  // A call that begins after its time must run too: what it refers to goes when the wait ends.
  auto last = std::max(until, std::chrono::steady_clock::now()) + kLoopGrace;
  waiter.changed.wait_until(lock, last, [&waiter]() { return waiter.done; });
}

}  // namespace harness
