// What a trial and the agent under it share: memory in which the trial says how system calls shall
// go wrong, and the agent counts them. The agent is then muster-test-agent: the production code,
// linked so that the calls named in CMakeLists.txt go through programs/agent_calls.cc first.
#pragma once

#include <atomic>
#include <cstdint>

namespace faults {

// Names the file that holds a CallControl; without it, calls are carried out as they are.
inline constexpr char kCallsVariable[] = "MUSTER_FAULT_CALLS";

// A place in the program that makes a call with an effect that others can see.
struct CallSite {
  static constexpr int kNameBytes = 16;

  std::atomic<uint64_t>
      caller;  // Address behind the call, from the program's beginning. 0: unused.
  std::atomic<uint64_t> count;
  char name[kNameBytes];  // "renameat2"
};

// All zero: nothing is disturbed. Counts begin with the process.
struct CallControl {
  static constexpr uint64_t kSitesMax = 1024;

  // SIGKILL of the process itself at the site `killCaller`, the `killCountdown`th time from now:
  // before the call is carried out, or after it.
  std::atomic<uint64_t> killCaller;
  std::atomic<int64_t> killCountdown;
  std::atomic<uint32_t> killAfter;

  // Calls that make a descriptor: so many are let through, so many then fail with EMFILE.
  std::atomic<int64_t> descriptorsSkip;
  std::atomic<int64_t> descriptorsFail;
  std::atomic<uint64_t> descriptorCalls;

  // Calls that change files or directories, likewise, with `fileErrno`.
  std::atomic<int64_t> filesSkip;
  std::atomic<int64_t> filesFail;
  std::atomic<int32_t> fileErrno;
  std::atomic<uint64_t> filesFailed;

  // One in so many reads and writes is interrupted or carries fewer bytes. 0: none.
  std::atomic<uint32_t> shortEvery;
  std::atomic<uint64_t> shortened;

  // Added to what the process reads as wall clock, OpenSSL included.
  std::atomic<int64_t> realtimeOffsetNs;

  CallSite sites[kSitesMax];
};

}  // namespace faults
