#include "harness/values/at_once.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <muster/deadline.h>

namespace harness {

void atOnce(size_t count, size_t threads, const std::function<void(size_t)>& work) {
  muster::SteadyTime end = muster::DeadlineScope::current();
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  auto workOff = [&] {
    muster::DeadlineScope scope(end);
    for (size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex);
        failure = std::current_exception();
      }
    }
  };
  {
    // They end their threads at the end of this block, also if one of them cannot be made.
    std::vector<std::jthread> running;
    for (size_t i = 1; i < std::min(count, threads); ++i) running.emplace_back(workOff);
    workOff();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace harness
