// Makes several calls at once, by threads, for calls that block each for itself.
#pragma once

#include <cstddef>
#include <functional>

namespace harness {

// Calls `work` with each number below `count`, on up to `threads` threads, this one among them, and
// returns when all are done. DeadlineScope::current() of this thread holds in all. If calls throw,
// the rest is still done, and the exception of one of them is thrown again.
void atOnce(size_t count, size_t threads, const std::function<void(size_t)>& work);

}  // namespace harness
