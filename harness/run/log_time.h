// Reads the time that a line of a log begins with, for its place on a timeline.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace harness::run {

// Returns nanoseconds since 1970 of a date and time near the beginning of the line that says its
// zone, as RFC 3339 or ISO 8601 has them, such as "2026-12-01T02:45:01.25Z" or "[2026-12-01
// 02:45:01.250000 +0000]". nullopt: there is none.
std::optional<int64_t> timeIn(std::string_view line);

// Returns the same of a time that says no zone, or a name that may be any, if local time is
// `utcOffset` nanoseconds ahead of UTC. nullopt: there is none, or it says its zone.
std::optional<int64_t> localTimeIn(std::string_view line, int64_t utcOffset);

}  // namespace harness::run
