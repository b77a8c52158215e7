// Reads processes from /proc. Everything here is a snapshot: a process may be gone when the caller
// looks at it.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <set>

#include <kj/common.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent {

struct ProcessInfo {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  char state = '?';         // As in /proc/PID/stat: 'Z' says that its first thread has ended.
  bool hasEnded = false;    // All of its threads have.
  uint64_t startTicks = 0;  // Since boot; tells two processes of one pid apart.
  kj::String command;  // At most 15 bytes, as the kernel keeps it; may be changed by the process.
};

// null: there is no such process.
kj::Maybe<ProcessInfo> readProcess(pid_t pid);

// All processes that /proc shows, in order of pid.
kj::Vector<ProcessInfo> listProcesses();

// Children of this process, whichever thread made or adopted them; null if the kernel does not
// tell. One may be missing if another ends meanwhile.
kj::Maybe<kj::Vector<pid_t>> ownChildren();

// Whether an entry that begins with `prefix`, such as "NAME=", was in the environment with which
// the program of `pid` was started. null while nobody can tell: in the middle of an exec a process
// has no environment.
kj::Maybe<bool> startedWithVariable(pid_t pid, kj::StringPtr prefix);

// Those of `pids` that were started with such a variable. Looks again at those in the middle of an
// exec, for 20 ms at most, or half a second at one that waits for a CPU.
std::set<pid_t> allStartedWith(kj::ArrayPtr<const pid_t> pids, kj::StringPtr prefix);

// Those of `pids` that have a descriptor whose link in /proc/PID/fd is `link`, such as
// "pipe:[4711]". May take a millisecond per process: for a worker thread.
kj::Vector<pid_t> holdersOf(kj::ArrayPtr<const pid_t> pids, kj::StringPtr link);

}  // namespace nodeagent
