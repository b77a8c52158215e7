// How long waits may take on this machine. Tests name limits for a machine that is as fast as it
// should be; on one that is slower, by valgrind, a sanitizer or a busy neighbour, --wait-multiplier
// stretches all of them. Intervals between looks, leases and the durations of faults are no limits
// of waits, and do not come here.
//
// The factor belongs to the process, as scopes do (cancellation.h). All functions may be called
// from any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <muster/deadline.h>

namespace harness {

inline constexpr double kWaitMultiplierLeast = 0.01;
inline constexpr double kWaitMultiplierMost = 100;

// Reads a factor such as "3" or "0.5". Absent for what is no number, or not in these bounds.
std::optional<double> waitMultiplierFrom(const std::string& text);

// Says what is wrong with such a text. Empty: nothing.
std::string waitMultiplierProblem(const std::string& text);

// Is 1 unless it is set.
void setWaitMultiplier(double factor);

// Returns the limit that stands for `within` here; a time of over 100 years for none.
std::chrono::nanoseconds waitTime(std::chrono::nanoseconds within);

// Returns "30.0 s", or if it is multiplied "90.0 s (30.0 s times 3 by --wait-multiplier)".
std::string waitText(std::chrono::nanoseconds within);

// Returns the part of it in brackets, with a space before it. Empty: the factor is 1, or the wait
// has no limit of its own, as with the greatest of all times.
std::string multipliedText(std::chrono::nanoseconds within);

// Returns when a wait that begins now and has this limit ends: with the innermost DeadlineScope, or
// sooner.
muster::SteadyTime waitEnd(std::chrono::nanoseconds within);

}  // namespace harness
