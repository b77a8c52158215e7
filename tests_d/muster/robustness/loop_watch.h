// Says how long a turn of the keeper's event loop took at most.
//
// The loop must never wait for another process or a file system, because all controllers would wait
// with it. muster-test-agent measures each turn, from the end of one wait for events to the
// beginning of the next, and notes in memory that the trial shares what it spent there
// (programs/loop_watch.cc). FaultTest checks that of every trial. The loop of a shim is not
// measured. It serves one command, whose end is on the disk before anybody learns of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace robustness {

// The environment variable that names the file with a LoopTurns.
inline constexpr char kLoopVariable[] = "MUSTER_FAULT_LOOP";

// The environment variable that asks for kOwnNsMax, which a machine with nothing else to do keeps.
inline constexpr char kStrictVariable[] = "MUSTER_FAULT_STRICT";

struct LoopTurns {
  static constexpr int kPlaceBytes = 256;

  std::atomic<uint64_t> count;
  // The longest time of one turn in which the loop's thread neither ran nor waited for a CPU. The
  // time in which the process was stopped is left out. A turn above the bound is also given the
  // time in which another thread of the process had no CPU, and by which a thread that sleeps in
  // turns was woken too late: a busy machine is no fault of the agent.
  std::atomic<int64_t> blockedNsMax;
  // The most CPU time of one turn, without what the host of a virtual machine stole. A turn above
  // the bound is also given the time by which the sleeping thread was woken too late.
  std::atomic<int64_t> ownNsMax;
  // The bound of a turn that was seen at work: the trial sets it.
  std::atomic<int64_t> ownNsBound;
  // Counts turns that worked for longer than their bound.
  std::atomic<uint64_t> ownLong;
  // Where the turn was that was blocked for the longest time: the kernel's names for the call.
  char place[kPlaceBytes];
  // Where the last turn of `ownLong` was at its last sample: addresses for addr2line.
  char ownPlace[kPlaceBytes];
};

// The bounds of one turn. CPU time tells of the machine as much as of the agent, so
// kOwnBusyNsMax is what every run requires. With MUSTER_FAULT_STRICT in the environment, as
// `./dev faults` sets it, a turn above kOwnNsMax is a fault if the thread was seen at work in it
// kSamplesMin times, at clock ticks of 4 ms. Otherwise the host of a virtual machine may have taken
// its CPU in one piece, which can count as the thread's own.
inline constexpr int64_t kBlockedNsMax = 50'000'000;
inline constexpr int64_t kOwnNsMax = 10'000'000;
inline constexpr int64_t kOwnBusyNsMax = 50'000'000;
inline constexpr int kSamplesMin = 2;

// The trial's side.
class LoopWatch {
 public:
  // Makes the file in `directory`, which outlives the object. Throws std::runtime_error.
  explicit LoopWatch(const std::string& directory);
  ~LoopWatch();
  LoopWatch(const LoopWatch&) = delete;
  LoopWatch& operator=(const LoopWatch&) = delete;

  const std::string& path() const { return path_; }
  const LoopTurns& turns() const { return *turns_; }

  // Says which bound was exceeded; empty if none was.
  std::string flaw() const;

  // Writes the figures as "4711 turns, at most 0.3 ms blocked and 2.1 ms of CPU time".
  std::string text() const;

 private:
  std::string path_;
  LoopTurns* turns_ = nullptr;
};

}  // namespace robustness
