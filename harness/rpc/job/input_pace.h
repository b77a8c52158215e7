// Decides how much input is offered to a command at a time, and when. It sends nothing.
//
// A command that keeps up gets chunks that grow, because each costs a round trip. Of a chunk for a
// command that does not, the agent takes only what fits into its window, and the rest was sent in
// vain: such a command is offered about what it takes, after pauses in which its window, which is
// full then, does not run empty.
#pragma once

#include <stddef.h>

#include <chrono>

namespace harness {

class InputPace {
 public:
  static constexpr size_t kChunkBytesLeast = 16 << 10;
  static constexpr size_t kChunkBytesMost = 512 << 10;
  static constexpr std::chrono::milliseconds kPauseLeast{1};
  static constexpr std::chrono::milliseconds kPauseMost{16};

  // Returns the size of the next chunk, and the time to wait before it is sent.
  size_t chunkBytes() const { return chunkBytes_; }
  std::chrono::nanoseconds pause() const { return pause_; }

  // Takes in that the agent took `taken` bytes of a chunk of `offered`.
  void note(size_t offered, size_t taken);

 private:
  size_t chunkBytes_ = 64 << 10;
  std::chrono::nanoseconds pause_{0};
};

}  // namespace harness
