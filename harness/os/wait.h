// waitUntil() waits with a bound for a condition that no descriptor tells. Nothing else in the
// harness sleeps.
#pragma once

#include <chrono>
#include <functional>

namespace harness {

using Deadline = std::chrono::steady_clock::time_point;

// Returns the deadline that is `time` from now.
Deadline after(std::chrono::nanoseconds time);

// Returns the time left until `deadline` in milliseconds as poll() takes it: never negative.
int millisecondsUntil(Deadline deadline);

// Looks at `condition` until it is true, first at once, then in intervals that grow from 1 ms to
// 20 ms. Returns false if it was not true at the deadline. Exceptions of `condition` are passed on.
//
//   if (!waitUntil(after(5s), [&] { return !exists(path); })) throw …;
bool waitUntil(Deadline deadline, const std::function<bool()>& condition);

}  // namespace harness
