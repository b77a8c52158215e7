// States the bounds of the job service. The schema states those that a caller meets.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace nodeagent::exec {

struct JobLimits {
  // Counts jobs on the node.
  size_t runningMax = 256;
  size_t runningInSessionMax = 64;
  // Counts ended jobs of which processes still run; each holds descriptors.
  size_t leftRunningMax = 1000;
  // Counts jobs kept for their results; the oldest goes first.
  size_t finishedMax = 5000;
  // Bounds both chunks of a follow together.
  size_t chunkBytesMax = 1024 * 1024;
  // Bounds all output kept in memory.
  uint64_t memoryBytesMax = 32 << 20;
  // Output of one stream beyond this goes to its spool file. It exceeds a chunk, which an answer
  // brings as a whole, because the look for the end of a stream needs one byte more.
  uint64_t memoryOfStreamBytesMax = (1 << 20) + (64 << 10);
  // Bounds the bytes of one stream that may stay in memory while its reader keeps up, provided that
  // less than half of `memoryBytesMax` is used.
  uint64_t memoryOfFollowedBytesMax = 4 << 20;
  // A reader counts as keeping up for this long after its last release, and for this long after the
  // stream began. Without a reader, output waits this long once and then goes to a file.
  int64_t followedForNs = 100'000'000;
  // Bounds all spool files together.
  uint64_t spoolBytesMax = uint64_t{2} << 30;
  // Bounds how long a session's end waits for killed processes to go.
  int64_t endWaitNs = 10'000'000'000;
};

constexpr uint64_t kRetainedBytesDefault = 64 << 20;
constexpr uint64_t kRetainedBytesMin = 4 << 10;
constexpr uint64_t kRetainedBytesMost = uint64_t{4} << 30;
constexpr size_t kInputWindowBytes = 1 << 20;
constexpr int64_t kFollowWaitMaxNs = 20'000'000'000;
constexpr int64_t kGraceMaxNs = 3600 * int64_t{1'000'000'000};

}  // namespace nodeagent::exec
