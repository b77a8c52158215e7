// Time, chance and memory of one simulated run.
//
// It has the manual clock that every loop waits on, the history with its hash, and the violations.
#pragma once

#include <stdint.h>

#include <atomic>
#include <string>
#include <vector>

#include <kj/async-unix.h>
#include <kj/async.h>
#include <kj/timer.h>

#include "tests_d/muster/simulation/coverage.h"
#include "tests_d/muster/simulation/random.h"

namespace simulation {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;

// Lets the loop wait in simulated time. When nothing is due, the clock jumps to the next timer.
// Pipes between keeper and processes are the kernel's own, so the port looks at those first.
class ManualPort final : public kj::EventPort {
 public:
  explicit ManualPort(kj::UnixEventPort& pipes);

  kj::TimerImpl& timer() { return timer_; }
  void serve(kj::EventLoop& loop) { loop_ = &loop; }

  // Sets the time after which the run has failed. Waiting beyond it throws.
  void setEnd(kj::TimePoint end) { end_ = end; }

  bool wait() override;
  bool poll() override;
  void wake() const override { woken_ = true; }

 private:
  kj::UnixEventPort& pipes_;
  kj::TimerImpl timer_;
  kj::EventLoop* loop_ = nullptr;
  kj::TimePoint end_;
  mutable std::atomic<bool> woken_{false};
};

class World {
 public:
  enum class Trace { kOff, kOn };

  // `pipes` serves several worlds of the thread, one after the other.
  World(kj::UnixEventPort& pipes, uint64_t seed, Trace trace);
  KJ_DISALLOW_COPY(World);

  Random& random() { return random_; }
  kj::UnixEventPort& pipes() { return pipes_; }
  kj::TimerImpl& timer() { return port_.timer(); }
  kj::WaitScope& waitScope() { return waitScope_; }
  ManualPort& port() { return port_; }

  // The time since the beginning of the run.
  int64_t nowNs() { return (timer().now() - kj::origin<kj::TimePoint>()) / kj::NANOSECONDS; }
  kj::Promise<void> after(int64_t delayNs) { return timer().afterDelay(delayNs * kj::NANOSECONDS); }

  // Adds an event to the history, that is to the hash and, if traced, to the text.
  void note(const char* what, uint64_t first = 0, uint64_t second = 0, uint64_t third = 0);
  void count(Event event) { ++coverage_.counts[static_cast<size_t>(event)]; }
  void noteAndCount(Event event, uint64_t first = 0, uint64_t second = 0);

  // Records that an invariant such as "I2" does not hold. The run goes on, and the first violation
  // is reported.
  void violated(const char* invariant, std::string text);

  uint64_t hash() const { return hash_; }
  uint64_t steps() const { return steps_; }
  const Coverage& coverage() const { return coverage_; }
  const std::string& violation() const { return violation_; }
  const std::vector<std::string>& trace() const { return lines_; }

 private:
  void mix(uint64_t value) { hash_ = mixed(hash_ ^ value); }

  Random random_;
  kj::UnixEventPort& pipes_;
  ManualPort port_;
  kj::EventLoop loop_;
  kj::WaitScope waitScope_;
  Trace tracing_;
  uint64_t hash_ = 0;
  uint64_t steps_ = 0;
  Coverage coverage_;
  std::string violation_;
  std::vector<std::string> lines_;
};

}  // namespace simulation
