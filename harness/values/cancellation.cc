#include "harness/values/cancellation.h"

#include <condition_variable>
#include <mutex>

namespace harness {
namespace {

struct State {
  std::mutex mutex;
  std::condition_variable cancelled;
  muster::SteadyTime end = muster::SteadyTime::max();

  // Empty: scopes are not cancelled.
  std::string reason;
};

// It is never destroyed, because static objects of tests may wait after main.
State& state() {
  static State& one = *new State;
  return one;
}

}  // namespace

void cancelScopes(const std::string& reason) {
  {
    std::lock_guard<std::mutex> lock(state().mutex);
    state().reason = reason;
    state().end = std::chrono::steady_clock::now();
  }
  state().cancelled.notify_all();
}

void resumeScopes(muster::SteadyTime end) {
  std::lock_guard<std::mutex> lock(state().mutex);
  state().reason.clear();
  state().end = end;
}

std::string scopesCancelledBy() {
  std::lock_guard<std::mutex> lock(state().mutex);
  return state().reason;
}

muster::SteadyTime scopesEnd() {
  std::lock_guard<std::mutex> lock(state().mutex);
  return state().end;
}

void sleepInScope(muster::SteadyTime end) {
  std::unique_lock<std::mutex> lock(state().mutex);
  state().cancelled.wait_until(lock, end, [] { return !state().reason.empty(); });
}

}  // namespace harness
