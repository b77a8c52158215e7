#include "harness/values/held_time.h"

#include <mutex>
#include <optional>

namespace harness {
namespace {

using std::chrono::steady_clock;

std::mutex mutex;
std::chrono::nanoseconds ended{0};
std::optional<steady_clock::time_point> begin;

}  // namespace

std::chrono::nanoseconds heldTime() {
  std::lock_guard<std::mutex> lock(mutex);
  return begin ? ended + (steady_clock::now() - *begin) : ended;
}

HeldTime::HeldTime() {
  std::lock_guard<std::mutex> lock(mutex);
  begin = steady_clock::now();
}

HeldTime::~HeldTime() {
  std::lock_guard<std::mutex> lock(mutex);
  ended += steady_clock::now() - *begin;
  begin.reset();
}

}  // namespace harness
