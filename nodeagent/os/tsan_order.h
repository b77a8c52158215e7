// Shows ThreadSanitizer that the work of a thread before its answer happened before the loop got
// it. The lock that orders them is in libkj, which is built without the sanitizer. Does nothing in
// other builds.
#pragma once

#include <kj/async.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace nodeagent {

// Call it on the thread, before it answers the promise. `giver` is the same pointer as for
// tsanAcquire().
inline void tsanRelease([[maybe_unused]] void* giver) {
#ifdef __SANITIZE_THREAD__
  __tsan_release(giver);
#endif
}

// Wraps the promise on the loop and returns it.
template <typename Result>
kj::Promise<Result> tsanAcquire(kj::Promise<Result> promise, [[maybe_unused]] void* giver) {
#ifdef __SANITIZE_THREAD__
  auto taken = [giver]() { __tsan_acquire(giver); };
  auto failed = [giver](kj::Exception&& exception) -> kj::Promise<Result> {
    __tsan_acquire(giver);
    return kj::mv(exception);
  };
  if constexpr (kj::isSameType<Result, void>()) {
    return promise.then([taken]() -> kj::Promise<void> { return taken(), kj::READY_NOW; }, failed);
  } else {
    return promise.then(
        [taken](Result&& result) -> kj::Promise<Result> { return taken(), kj::mv(result); },
        failed);
  }
#else
  return promise;
#endif
}

}  // namespace nodeagent
