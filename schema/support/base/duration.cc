#include "schema/support/base/duration.h"

#include <stdio.h>

#include <charconv>
#include <cmath>

namespace support {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};

constexpr Unit kUnits[] = {{"d", 86'400'000'000'000},
                           {"h", 3'600'000'000'000},
                           {"m", 60'000'000'000},
                           {"s", 1'000'000'000},
                           {"ms", 1'000'000},
                           {"us", 1'000},
                           {"ns", 1}};

}  // namespace

std::optional<int64_t> durationFromText(std::string_view text) {
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0) || std::signbit(number)) return std::nullopt;
  std::string_view name(end, text.data() + text.size() - end);
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    double ns = std::round(number * static_cast<double>(unit.ns));
    // A double cannot hold Int64's maximum, so the limit lies a little below it.
    if (!(ns < 9.2e18)) return std::nullopt;
    return static_cast<int64_t>(ns);
  }
  return std::nullopt;
}

std::string durationText(int64_t durationNs) {
  if (durationNs < 0) return "-" + durationText(durationNs == INT64_MIN ? INT64_MAX : -durationNs);
  for (const Unit& unit : kUnits) {
    if (durationNs < unit.ns) continue;
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%.3f",
             static_cast<double>(durationNs) / static_cast<double>(unit.ns));
    std::string number = buffer;
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
    return number + " " + std::string(unit.name);
  }
  return "0 s";
}

}  // namespace support
