// What a child does between clone and execve. No part of it allocates, locks, or uses thread-local
// state: everything is prepared by spawn.cc beforehand, because the memory may be the keeper's own
// and other threads go on using it.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace nodeagent {

// The step at which a start failed; the order in which they are made.
enum class SpawnStage : int32_t {
  kClone,  // By the keeper itself: no child ever was.
  kSession,
  kTerminal,
  kFiles,
  kCgroup,
  kLimit,  // `detail`: the index in SpawnOptions::limits.
  kNiceness,
  kGroups,
  kGroup,
  kUser,
  kDirectory,
  kExec
};

// What went wrong, told by the child. One that becomes the program says nothing.
struct ChildReport {
  int32_t stage;
  int32_t errorNumber;
  int32_t detail;
};

struct ChildLimit {
  int resource;
  uint64_t values[2];  // As struct rlimit64.
};

// Every pointer is borrowed and stays valid until execve or exit. Descriptors are at least 3 and
// have FD_CLOEXEC.
struct ChildPlan {
  const char* const* programs;  // Paths to try, in order; ends with null.
  char* const* argv;
  char* const* environment;
  const char* directory;
  int standardFds[3];
  int reportFd;  // Of a pipe, for a ChildReport; -1: the memory is the keeper's, and `report` is
                 // filled in.
  ChildReport* report;
  int cgroupProcsFd;   // -1: none, or clone3 has put the child there.
  bool resetOomScore;  // The keeper is protected from the out-of-memory killer, and jobs must not
                       // be.
  uint64_t signalsToReset;  // Bit n-1 for signal n; those that may not be at their default.
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

// Becomes the program, or tells a ChildReport and exits with status 127. `plan` is a ChildPlan.
[[noreturn]] void runChild(void* plan);

}  // namespace nodeagent
