// Ends the program when a call has run beyond its deadline, also if nobody on the node's other side
// is there to do it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace harness {

class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // The test ends the helper itself, and says so in its own words, unless it is not there.
  static constexpr std::chrono::milliseconds kMargin{500};
  static constexpr int kExitStatus = 124;

  // Begins its thread with the first call, so that a program that forks before serve() is alone.
  Watchdog() = default;
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Begins to watch a call, which has a name for the message.
  void begin(const std::string& name, Time deadline);
  void end();

 private:
  void watch();

  std::mutex mutex_;
  std::condition_variable changed_;
  // These are guarded by mutex_.
  std::string name_;
  std::optional<Time> deadline_;
  bool isOver_ = false;
  std::thread thread_;
};

}  // namespace harness
