// The one thread that runs promises, and the one way to wait for it. It knows nothing of nodes.
//
// Work is handed over through a queue of our own, so that a caller never waits for a loop that has
// ended (kj::Executor may hang there) and so that ThreadSanitizer sees the hand-over.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/async.h>

#include <muster/deadline.h>

#include "harness/rpc/failure.h"
#include "harness/rpc/loop.h"
#include "harness/rpc/tls_clients.h"

namespace harness {

// A caller waits this long beyond its deadline for the loop to say so.
constexpr std::chrono::seconds kLoopGrace{10};

enum class Urgency {
  kOrdinary,

  // Work that goes on when calls are refused, such as the end of the sessions.
  kUrgent,
};

class IoThread final : public Loop {
 public:
  IoThread();
  ~IoThread() override;

  // Runs `function` on the loop, soon. False: the loop has ended, or this process is a fork of the
  // one that has the loop; it will not run.
  bool post(std::function<void()> function);

  // Runs `function`, which returns kj::Promise<T>, on the loop and waits for the value. Its
  // captures must live until this returns. It must itself end at `until`; kLoopGrace after that, a
  // kInternal failure is thrown. Throws the kj::Exception of the promise. The loop's own thread
  // must not call it.
  template <typename Function>
  auto run(Function&& function, muster::SteadyTime until, Urgency urgency = Urgency::kOrdinary);

  // A value that the loop is working on. Dropping it does not end the work.
  template <typename Value>
  class Pending;

  // Begins what run() does and returns a Pending that waits for the value. `function` is moved to
  // the loop and must own its captures.
  template <typename Function>
  auto begin(Function function, Urgency urgency = Urgency::kOrdinary);

  // Ends all calls that run() and begin() wait for, and refuses later ones, until allowCalls().
  // Each throws a failure with this reason (failure.h, cancelledCall), but for those that are
  // kUrgent. Any thread but the loop's may call these two.
  void refuseCalls(const std::string& reason);
  void allowCalls();

  // Cancels the work that still runs and joins the thread. Callers that wait, now or later, get a
  // kInternal failure. The loop's own thread must not call it.
  void stop();

  // These are described in loop.h, and are for use on the loop only.
  kj::Timer& timer() override { return *timer_; }
  muster::SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  void spawn(kj::Promise<void> promise) override;
  kj::Promise<kj::Own<kj::AsyncIoStream>> dial(const AgentRoute& route, const std::string& node,
                                               std::chrono::nanoseconds limit) override;
  uint64_t randomNumber() override { return support::randomNumber(); }
  support::Id randomId() override { return support::Id::random(); }
  kj::LowLevelAsyncIoProvider& lowLevel() { return *lowLevel_; }
  kj::AsyncIoProvider& provider() { return *provider_; }

 private:
  // A place to wait at. It must outlive finish(), also once the waiter has seen `done`.
  struct Waiter {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    void finish();
  };

  void runLoop();
  kj::Promise<void> drainQueue(kj::UnixEventPort::FdObserver& observer);
  void waitFor(Waiter& waiter, muster::SteadyTime until);

  // Throws the reason why post() has refused, or why a call was dropped.
  [[noreturn]] void failRefused();

  // A thread lives in the process that made it only.
  const pid_t process_;
  int wakeFd_;
  std::mutex mutex_;
  std::condition_variable started_;

  // These are guarded by mutex_.
  std::deque<std::function<void()>> queue_;
  bool running_ = false;
  bool ended_ = false;

  // The reason of the last refusal; it is guarded too. Empty: there was none.
  std::string refusal_;

  // These belong to the loop's thread.
  TlsClients tlsClients_;
  kj::Timer* timer_ = nullptr;
  kj::UnixEventPort* port_ = nullptr;
  kj::LowLevelAsyncIoProvider* lowLevel_ = nullptr;
  kj::AsyncIoProvider* provider_ = nullptr;
  kj::TaskSet* tasks_ = nullptr;

  // The calls that may be refused; null while they are.
  kj::TaskSet::ErrorHandler* taskErrors_ = nullptr;
  std::unique_ptr<kj::TaskSet> calls_;
  kj::PromiseFulfiller<void>* end_ = nullptr;

  std::thread thread_;
};

namespace io_thread_internal {

template <typename Promise>
struct ValueOf;
template <typename T>
struct ValueOf<kj::Promise<T>> {
  using Type = T;
};

}  // namespace io_thread_internal

template <typename Value>
class IoThread::Pending {
 public:
  // Returns the value or throws, as run() does. May be called once.
  Value wait(muster::SteadyTime until) {
    if (!posted_) io_.failRefused();
    io_.waitFor(*call_, until);
    std::lock_guard<std::mutex> lock(call_->mutex);
    if (call_->failed) kj::throwFatalException(kj::Exception(*call_->failed));
    if (!call_->value) {
      if (call_->done) io_.failRefused();
      support::fail(wire::Error::Kind::INTERNAL, "the io thread does not answer");
    }
    if constexpr (!std::is_void_v<Value>) return kj::mv(*call_->value);
  }

 private:
  friend class IoThread;

  struct Call : Waiter {
    std::optional<std::conditional_t<std::is_void_v<Value>, bool, Value>> value;
    std::optional<kj::Exception> failed;
  };

  // Wakes the caller also when the promise is dropped unfulfilled, as by the end of the loop.
  struct Guard {
    std::shared_ptr<Call> call;
    explicit Guard(std::shared_ptr<Call> target) : call(std::move(target)) {}
    Guard(Guard&&) = default;
    ~Guard() {
      if (call) call->finish();
    }
  };

  explicit Pending(IoThread& io) : io_(io), call_(std::make_shared<Call>()) {}

  template <typename Function>
  void begin(Function function, Urgency urgency) {
    auto guard = std::make_shared<Guard>(call_);
    // The function is shared because a std::function must be copyable; it runs once.
    auto shared = std::make_shared<Function>(std::move(function));
    posted_ = io_.post([&io = io_, shared, guard, urgency]() mutable {
      auto owned = kj::heap<Guard>(kj::mv(*guard));
      kj::TaskSet* tasks = urgency == Urgency::kUrgent ? io.tasks_ : io.calls_.get();
      if (tasks == nullptr) return;
      Call* target = owned->call.get();
      auto promise = kj::evalNow([&shared]() { return (*shared)(); });
      auto fail = [target](kj::Exception&& exception) {
        target->failed.emplace(kj::mv(exception));
      };
      if constexpr (std::is_void_v<Value>) {
        tasks->add(
            promise.then([target]() { target->value = true; }, kj::mv(fail)).attach(kj::mv(owned)));
      } else {
        tasks->add(promise
                       .then([target](Value&& value) { target->value.emplace(kj::mv(value)); },
                             kj::mv(fail))
                       .attach(kj::mv(owned)));
      }
    });
  }

  IoThread& io_;

  // Owned by the caller, who may give up, and by the promise.
  std::shared_ptr<Call> call_;
  bool posted_ = false;
};

template <typename Function>
auto IoThread::begin(Function function, Urgency urgency) {
  using Value = typename io_thread_internal::ValueOf<decltype(function())>::Type;
  Pending<Value> pending(*this);
  pending.begin(std::move(function), urgency);
  return pending;
}

template <typename Function>
auto IoThread::run(Function&& function, muster::SteadyTime until, Urgency urgency) {
  return begin([&function]() { return function(); }, urgency).wait(until);
}

}  // namespace harness
