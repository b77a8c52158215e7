// The memory that a trial shares with the agent under test.
//
// The trial says in it which system calls go wrong, and the agent counts its calls in it. Such an
// agent is muster-test-agent, the production code linked so that the calls named in CMakeLists.txt
// pass programs/agent_calls.cc first.
#pragma once

#include <atomic>
#include <cstdint>

namespace robustness {

// The environment variable that names the file with a CallControl. Without it, calls are carried
// out as they are.
inline constexpr char kCallsVariable[] = "MUSTER_FAULT_CALLS";

// A place in the program that makes a call with an effect that others can see.
struct CallSite {
  static constexpr int kNameBytes = 16;

  // The return address of the call, counted from the program's beginning. 0 marks an unused entry.
  std::atomic<uint64_t> caller;
  std::atomic<uint64_t> count;
  char name[kNameBytes];  // Such as "renameat2".
};

// The requests of the trial and the counts of the agent. All zeroes disturb nothing; counts begin
// with the process.
struct CallControl {
  static constexpr uint64_t kSitesMax = 1024;

  // The process kills itself by SIGKILL at the `killCountdown`th call from now at the site
  // `killCaller`, after the call is carried out if `killAfter` is set, and else before it.
  std::atomic<uint64_t> killCaller;
  std::atomic<int64_t> killCountdown;
  std::atomic<uint32_t> killAfter;

  // Among calls that make a descriptor, `descriptorsSkip` pass first, and then `descriptorsFail`
  // fail with EMFILE.
  std::atomic<int64_t> descriptorsSkip;
  std::atomic<int64_t> descriptorsFail;
  std::atomic<uint64_t> descriptorCalls;

  // Among calls that change files or directories, `filesSkip` pass first, and then `filesFail` fail
  // with `fileErrno`.
  std::atomic<int64_t> filesSkip;
  std::atomic<int64_t> filesFail;
  std::atomic<int32_t> fileErrno;
  std::atomic<uint64_t> filesFailed;

  // One in `shortEvery` reads and writes is interrupted or carries fewer bytes. 0 disturbs none.
  std::atomic<uint32_t> shortEvery;
  std::atomic<uint64_t> shortened;

  // Calls on files below the directory `slowBelow` take `slowNs` longer, and do not return while
  // `hangs` is set. They are counted. An empty name means none.
  static constexpr int kPathBytes = 128;
  char slowBelow[kPathBytes];
  std::atomic<int64_t> slowNs;
  std::atomic<uint32_t> hangs;
  std::atomic<uint64_t> slowed;

  // This offset is added to the wall clock that the process reads, also in OpenSSL.
  std::atomic<int64_t> realtimeOffsetNs;

  CallSite sites[kSitesMax];
};

}  // namespace robustness
