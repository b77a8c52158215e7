// Waits on a worker thread for something that the kernel tells nobody, by looking again and again.
#pragma once

#include <stdint.h>

#include <kj/function.h>

namespace nodeagent {

// Calls `isDone` every two milliseconds until it returns true, and once more when `limitNs` is
// over. Returns what it returned last.
bool lookUntil(int64_t limitNs, kj::FunctionParam<bool()> isDone);

}  // namespace nodeagent
