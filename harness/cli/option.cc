#include "harness/cli/option.h"

#include <charconv>

#include "harness/cli/command_error.h"
#include "schema/support/base/duration.h"

namespace harness {

void Option::check(const std::string& value) const {
  if (text_.problem == nullptr) return;
  std::string problem = text_.problem(value);
  if (!problem.empty()) refuse(value, problem);
}

std::string Option::last(const std::vector<std::string>& given) const {
  return given.empty() ? text_.initial : given.back();
}

void Option::refuse(const std::string& value, const std::string& problem) const {
  throw CommandError(kExitUsage, spelling() + ": \"" + value + "\" " + problem);
}

void DurationOption::check(const std::string& value) const {
  parse(value);
}

DurationOption::Value DurationOption::parse(const std::string& value) const {
  auto duration = support::durationFromText(value);
  if (duration && *duration >= range_.least.count() && *duration <= range_.most.count()) {
    return Value(*duration);
  }
  if (range_.most < std::chrono::nanoseconds::max()) {
    refuse(value, "is not a duration from " + support::durationText(range_.least.count()) + " to " +
                      support::durationText(range_.most.count()) + ", such as 10m");
  }
  refuse(value, range_.least.count() == 0 ? "is not a duration, such as 0s or 5s"
                                          : "is not a positive duration, such as 30s, 5m or 1h");
}

void CountOption::check(const std::string& value) const {
  parse(value);
}

CountOption::Value CountOption::read(const std::vector<std::string>& given) const {
  std::string value = last(given);
  return given.empty() && value.empty() ? 0 : parse(value);
}

CountOption::Value CountOption::parse(const std::string& value) const {
  Value count = 0;
  const char* end = value.data() + value.size();
  auto [stop, error] = std::from_chars(value.data(), end, count);
  if (error == std::errc() && stop == end && count >= range_.least && count <= range_.most) {
    return count;
  }
  refuse(value, "is not a number from " + std::to_string(range_.least) + " to " +
                    std::to_string(range_.most));
}

}  // namespace harness
