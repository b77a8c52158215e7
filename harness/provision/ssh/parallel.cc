#include "harness/provision/ssh/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace harness {

std::vector<std::exception_ptr> forEachAtOnce(size_t count, size_t atOnce,
                                              const std::function<void(size_t index)>& action) {
  std::vector<std::exception_ptr> failures(count);
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t index = next++; index < count; index = next++) {
      try {
        action(index);
      } catch (...) {
        failures[index] = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min(count, atOnce); ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  return failures;
}

}  // namespace harness
