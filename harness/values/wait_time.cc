#include "harness/values/wait_time.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>

#include "harness/values/failure_text.h"

namespace harness {
namespace {

using std::chrono::nanoseconds;

// The end of a wait is a time of the clock, which must not overflow.
constexpr nanoseconds kLimitMax = std::chrono::hours(24 * 36525);

std::atomic<double>& multiplier() {
  static std::atomic<double> factor{1};
  return factor;
}

}  // namespace

std::optional<double> waitMultiplierFrom(const std::string& text) {
  double factor = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
  bool isNumber = error == std::errc() && end == text.data() + text.size();
  // A comparison with what is no number is false.
  if (!isNumber || !(factor >= kWaitMultiplierLeast && factor <= kWaitMultiplierMost)) return {};
  return factor;
}

std::string waitMultiplierProblem(const std::string& text) {
  return waitMultiplierFrom(text) ? "" : "is not a number from 0.01 to 100";
}

void setWaitMultiplier(double factor) {
  multiplier() = factor;
}

nanoseconds waitTime(nanoseconds within) {
  double factor = multiplier();
  if (factor == 1) return within;
  double product = static_cast<double>(within.count()) * factor;
  if (product >= static_cast<double>(kLimitMax.count())) return std::max(within, kLimitMax);
  return nanoseconds(static_cast<nanoseconds::rep>(product));
}

std::string multipliedText(nanoseconds within) {
  double factor = multiplier();
  if (factor == 1 || within >= kLimitMax) return "";
  char times[32];
  std::snprintf(times, sizeof times, "%g", factor);
  return " (" + durationText(within) + " times " + times + " by --wait-multiplier)";
}

std::string waitText(nanoseconds within) {
  return durationText(waitTime(within)) + multipliedText(within);
}

muster::SteadyTime waitEnd(nanoseconds within) {
  auto now = std::chrono::steady_clock::now();
  auto limit = muster::DeadlineScope::current();
  nanoseconds time = waitTime(within);
  return time < limit - now ? now + time : limit;
}

}  // namespace harness
