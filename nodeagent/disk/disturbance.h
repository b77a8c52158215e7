// Decides what becomes of each read, write and sync that a layer over a directory serves: how long
// it takes, and whether it fails. It touches no file.
#pragma once

#include <stdint.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace nodeagent::disk {

// What the requests suffer. The default is nothing.
struct DisturbanceSpec {
  // Each request takes this much longer.
  int64_t delayNs = 0;
  // All requests together carry no more than this. 0: as fast as the disk is.
  uint64_t bytesPerSecond = 0;
  // The first write that fails, counted from 1. 0: none.
  uint64_t failFrom = 0;
  // How many writes fail from there on. 0: all.
  uint64_t failCount = 0;
  // The errno of a write that fails.
  int failError = 0;
};

// What was disturbed so far.
struct DisturbanceCount {
  uint64_t delayed = 0;
  uint64_t writes = 0;
  uint64_t failed = 0;
};

// All calls may come from any thread.
class Disturbance {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Disturbance(const DisturbanceSpec& spec) : spec_(spec) {}

  // Waits as long as a request for this many bytes takes, and not at all after end().
  void wait(uint64_t bytes);

  // Returns the errno with which the next write fails; 0: it does not.
  int nextWrite();

  // Nothing is disturbed any more, and all that wait go on.
  void end();

  DisturbanceCount count() const;

  // Returns when a request of `bytes` that came at `now` is served, given when the one before it
  // has been carried, and moves that time on.
  static Clock::time_point servedAt(const DisturbanceSpec& spec, Clock::time_point now,
                                    uint64_t bytes, Clock::time_point& carried);

 private:
  const DisturbanceSpec spec_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool isOver_ = false;
  DisturbanceCount count_;
  Clock::time_point carried_ = {};
};

}  // namespace nodeagent::disk
