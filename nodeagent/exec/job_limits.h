// The bounds of the job service; the schema states those that a caller meets.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace nodeagent {

struct JobLimits {
  size_t runningMax = 256;  // On the node.
  size_t runningInSessionMax = 64;
  size_t leftRunningMax = 1000;  // Ended jobs of which processes still run; each holds descriptors.
  size_t finishedMax = 5000;     // Kept for their results; the oldest goes first.
  size_t chunkBytesMax = 1024 * 1024;  // Of a follow's two chunks together.
  uint64_t memoryBytesMax = 32 << 20;  // Of all output kept in memory.
  // More than this of one stream goes to its spool file. Above a chunk, which an answer brings as a
  // whole, because the look for the end of a stream wants room for one byte more.
  uint64_t memoryOfStreamBytesMax = (1 << 20) + (64 << 10);
  // While its reader keeps up, so many may wait for it in memory, if memory is not half full.
  uint64_t memoryOfFollowedBytesMax = 4 << 20;
  // A reader keeps up for so long after it made room, and after the begin of the stream. Without
  // one, output waits so once, and then there is a file.
  int64_t followedForNs = 100'000'000;
  uint64_t spoolBytesMax = uint64_t{2} << 30;  // Of all spool files.
  int64_t endWaitNs =
      10'000'000'000;  // For killed processes to go, before a session's end gives up on them.
};

constexpr uint64_t kRetainedBytesDefault = 64 << 20;
constexpr uint64_t kRetainedBytesMin = 4 << 10;
constexpr uint64_t kRetainedBytesMost = uint64_t{4} << 30;
constexpr size_t kInputWindowBytes = 1 << 20;
constexpr int64_t kFollowWaitMaxNs = 20'000'000'000;
constexpr int64_t kGraceMaxNs = 3600 * int64_t{1'000'000'000};

}  // namespace nodeagent
