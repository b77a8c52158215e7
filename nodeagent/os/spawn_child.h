// The code that a child runs between clone and execve. No part of it allocates, locks, or uses
// thread-local state: spawn.cc prepares everything beforehand, because the memory may be the
// keeper's own and other threads go on using it.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace nodeagent {

// Steps of a start, in the order in which the child performs them.
enum class SpawnStage : int32_t {
  // The keeper's own step: if it fails, there never was a child.
  kClone,
  kSession,
  kTerminal,
  kFiles,
  kCgroup,
  // The report's `detail` is the index in SpawnOptions::limits.
  kLimit,
  kNiceness,
  kGroups,
  kGroup,
  kUser,
  kDirectory,
  kExec
};

// Says at which step the child failed. A child that becomes its program reports nothing.
struct ChildReport {
  int32_t stage;
  int32_t errorNumber;
  int32_t detail;
};

struct ChildLimit {
  int resource;
  // Laid out as struct rlimit64.
  uint64_t values[2];
};

// Everything that the child needs. Every pointer is borrowed and stays valid until execve or exit.
// Descriptors are at least 3 and have FD_CLOEXEC.
struct ChildPlan {
  // Paths to try, in order; ends with null.
  const char* const* programs;
  char* const* argv;
  char* const* environment;
  const char* directory;
  int standardFds[3];
  // A pipe for a ChildReport; -1 if the memory is the keeper's, and the child fills in `report`.
  int reportFd;
  ChildReport* report;
  // -1 if there is none, or clone3 has put the child there.
  int cgroupProcsFd;
  // Written to oom_score_adj, unless it is null. It must be null in shared memory, where the kernel
  // would give the score to the keeper too.
  const char* oomScore;
  size_t oomScoreBytes;
  // Bit n-1 stands for signal n; lists those that may not be at their default.
  uint64_t signalsToReset;
  bool controllingTerminal;
  bool switchUser;
  bool setNiceness;
  int niceness;
  unsigned umask;
  uid_t user;
  gid_t group;
  const gid_t* groups;
  size_t groupCount;
  const ChildLimit* limits;
  size_t limitCount;
};

// Becomes the program, or reports and exits with status 127. `plan` is a ChildPlan.
[[noreturn]] void runChild(void* plan);

}  // namespace nodeagent
