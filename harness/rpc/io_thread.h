// The one thread that runs promises, and the one way to wait for it.
//
// Work is handed over through a queue of our own, so that a caller never waits for a loop that has
// ended (kj::Executor may hang there) and so that ThreadSanitizer sees the hand-over.
#pragma once

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

// How long a caller waits beyond its deadline for the loop to say so.
constexpr std::chrono::seconds kLoopGrace{10};

class IoThread final : public Loop {
 public:
  IoThread();
  ~IoThread() override;

  // Runs `function` on the loop, soon. False: the loop has ended, and it will not run.
  bool post(std::function<void()> function);

  // Runs `function`, which returns kj::Promise<T>, on the loop and waits for the value. What it
  // captures must live until this returns. It must itself end at `until`; kLoopGrace after that, a
  // kInternal failure is thrown. Throws the kj::Exception of the promise. Not from the loop's own
  // thread.
  template <typename Function>
  auto run(Function&& function, muster::SteadyTime until);

  // Cancels what is still running and joins the thread. Callers that wait, now or later, get a
  // kInternal failure. Not from the loop's own thread.
  void stop();

  // See Loop; for use on it only.
  kj::Timer& timer() override { return *timer_; }
  muster::SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  void spawn(kj::Promise<void> promise) override;
  kj::Promise<kj::Own<kj::AsyncIoStream>> dial(const Endpoint& endpoint, const std::string& node,
                                               std::chrono::nanoseconds limit) override;
  uint64_t randomNumber() override { return support::randomNumber(); }
  support::Id randomId() override { return support::Id::random(); }
  kj::LowLevelAsyncIoProvider& lowLevel() { return *lowLevel_; }
  kj::AsyncIoProvider& provider() { return *provider_; }

 private:
  // Must outlive finish(), also once the waiter has seen `done`.
  struct Waiter {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    void finish();
  };

  void runLoop();
  kj::Promise<void> drainQueue(kj::UnixEventPort::FdObserver& observer);
  void waitFor(Waiter& waiter, muster::SteadyTime until);

  int wakeFd_;
  std::mutex mutex_;
  std::condition_variable started_;
  std::deque<std::function<void()>> queue_;  // Guarded by mutex_, as are the next two.
  bool running_ = false;
  bool ended_ = false;

  // Of the loop's thread.
  TlsClients tlsClients_;
  kj::Timer* timer_ = nullptr;
  kj::UnixEventPort* port_ = nullptr;
  kj::LowLevelAsyncIoProvider* lowLevel_ = nullptr;
  kj::AsyncIoProvider* provider_ = nullptr;
  kj::TaskSet* tasks_ = nullptr;
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

template <typename Function>
auto IoThread::run(Function&& function, muster::SteadyTime until) {
  using Value = typename io_thread_internal::ValueOf<decltype(function())>::Type;
  constexpr bool isVoid = std::is_void_v<Value>;
  struct Call : Waiter {
    std::optional<std::conditional_t<isVoid, bool, Value>> value;
    std::optional<kj::Exception> failed;

    // Whoever drops the promise unfulfilled, such as the loop's end, wakes the caller.
    struct Guard {
      std::shared_ptr<Call> call;
      explicit Guard(std::shared_ptr<Call> target) : call(std::move(target)) {}
      Guard(Guard&&) = default;
      ~Guard() {
        if (call) call->finish();
      }
    };
  };
  // Owned by the caller, who may give up, and by the promise.
  auto call = std::make_shared<Call>();
  auto guard = std::make_shared<typename Call::Guard>(call);
  bool posted = post([this, &function, guard]() mutable {
    auto owned = kj::heap<typename Call::Guard>(kj::mv(*guard));
    Call* target = owned->call.get();
    auto promise = kj::evalNow([&function]() { return function(); });
    auto fail = [target](kj::Exception&& exception) { target->failed.emplace(kj::mv(exception)); };
    if constexpr (isVoid) {
      spawn(promise.then([target]() { target->value = true; }, kj::mv(fail)).attach(kj::mv(owned)));
    } else {
      spawn(
          promise
              .then([target](Value&& value) { target->value.emplace(kj::mv(value)); }, kj::mv(fail))
              .attach(kj::mv(owned)));
    }
  });
  guard.reset();
  if (posted) waitFor(*call, until);
  std::lock_guard<std::mutex> lock(call->mutex);
  if (call->failed) kj::throwFatalException(kj::Exception(*call->failed));
  if (!call->value) {
    kj::throwFatalException(failure(
        muster::NodeError::Kind::kInternal,
        call->done || !posted ? "the connections were closed" : "the io thread does not answer"));
  }
  if constexpr (!isVoid) return kj::mv(*call->value);
}

}  // namespace harness
