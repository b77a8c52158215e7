// Converts durations between the form that people write ("500ms", "30s", "2m", "1h", "1.5s") and
// Int64 nanoseconds. It knows no clocks.
#pragma once

#include <stdint.h>

#include <optional>
#include <string>
#include <string_view>

namespace support {

// Parses a decimal number with a unit out of ns, us, ms, s, m, h, d. Returns nullopt if `text` is
// anything else, negative, or beyond Int64.
std::optional<int64_t> durationFromText(std::string_view text);

// Returns the shortest form with at most three decimals in the largest unit that is at least one,
// such as "1.5 s", "250 ms", "0 s".
std::string durationText(int64_t durationNs);

}  // namespace support
