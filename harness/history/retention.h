// Removes old runs. What is to go is said by limits that somebody gave; a run that goes on and one
// that is pinned never go.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace harness::history {

struct RetentionLimits {
  // The newest runs of this number stay, whatever the other limits say.
  size_t keep = 0;

  // Older ones go. Absent: age is no reason.
  std::optional<std::chrono::nanoseconds> olderThan = {};

  // The oldest go until all runs together have at most this size. Absent: size is no reason.
  std::optional<uint64_t> bytesMost = {};
};

struct StoredRun {
  std::string id = {};

  // CLOCK_REALTIME in nanoseconds.
  int64_t began = 0;
  uint64_t bytes = 0;
  bool isRunning = false;
  bool isPinned = false;
};

struct RetentionPlan {
  // The oldest first.
  std::vector<StoredRun> removed = {};

  // The size of those that stay.
  uint64_t bytesLeft = 0;
};

// Returns the runs that are to go at the time `now`. Without an age and a size, all but the newest
// `keep` runs go.
RetentionPlan planOf(std::vector<StoredRun> runs, const RetentionLimits& limits, int64_t now);

// Returns the space that a directory takes on the disk, with all below it.
uint64_t sizeOf(const std::string& directory);

enum class Removal {
  kRemoved,
  // A program of the run lives.
  kRunning,
  kPinned,
  // Somebody else has removed it.
  kGone,
};

// Removes a run. It is renamed first, so that a crash leaves no half of it under its name; whether
// it may go is looked at again under its new name, where no program finds it any more. Throws
// SystemError.
Removal removeRun(const std::string& runsDirectory, const std::string& id);

// Removes what is left of runs whose removal was interrupted, and the link to the newest run if
// that is gone.
void sweep(const std::string& runsDirectory);

// Tells whether a program of the run lives.
bool isRunning(const std::string& directory);

// A pinned run is not removed. `reason` may be empty. Both throw SystemError.
void pin(const std::string& directory, const std::string& reason);
void unpin(const std::string& directory);

}  // namespace harness::history
