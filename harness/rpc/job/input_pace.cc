#include "harness/rpc/job/input_pace.h"

#include <algorithm>

namespace harness {

void InputPace::note(size_t offered, size_t taken) {
  if (taken >= offered) {
    // The last chunk of an input is smaller than it could be, and says nothing about the next.
    if (offered >= chunkBytes_) chunkBytes_ = std::min(2 * chunkBytes_, kChunkBytesMost);
    pause_ = std::chrono::nanoseconds(0);
    return;
  }
  chunkBytes_ = std::clamp(2 * taken, kChunkBytesLeast, kChunkBytesMost);
  pause_ = std::clamp<std::chrono::nanoseconds>(2 * pause_, kPauseLeast, kPauseMost);
}

}  // namespace harness
