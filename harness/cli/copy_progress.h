// How far a copy is, for a person at a terminal. Nothing is shown elsewhere.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <mutex>

namespace harness {

// Shows how much has arrived, on one line of the terminal that is written again and again.
class CopyProgress {
 public:
  CopyProgress() : shown_(::isatty(STDERR_FILENO) != 0) {}

  // May be called by several threads.
  void add(uint64_t bytes) {
    uint64_t total = bytes_ += bytes;
    if (!shown_) return;
    std::lock_guard<std::mutex> lock(mutex_);
    auto now = std::chrono::steady_clock::now();
    if (now - last_ < kEvery) return;
    last_ = now;
    std::cerr << "\r" << total / 1'000'000 << " MB\x1b[K" << std::flush;
    written_ = true;
  }

  // Removes the line.
  void end() {
    if (written_) std::cerr << "\r\x1b[K" << std::flush;
  }

 private:
  static constexpr std::chrono::milliseconds kEvery{200};

  bool shown_;
  std::atomic<uint64_t> bytes_{0};
  // Guards the two members below.
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  bool written_ = false;
};

}  // namespace harness
