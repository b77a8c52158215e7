// forEachAtOnce() does a thing for several at the same time, with a bound.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <vector>

namespace harness {

// Calls `action` with 0 to `count` - 1, of which `atOnce` run at the same time, each on a thread of
// its own. Returns what they threw, by their numbers; null where they returned.
std::vector<std::exception_ptr> forEachAtOnce(size_t count, size_t atOnce,
                                              const std::function<void(size_t index)>& action);

}  // namespace harness
