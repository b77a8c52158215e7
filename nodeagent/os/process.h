// Reads processes from /proc. Every answer is a snapshot: a process may be gone when the caller
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
  // As in /proc/PID/stat; 'Z' says that its first thread has ended.
  char state = '?';
  // True if all of its threads have ended.
  bool hasEnded = false;
  // Counts from boot; tells two processes of one pid apart.
  uint64_t startTicks = 0;
  // At most 15 bytes, as the kernel keeps it; the process may change it.
  kj::String command;
};

// Reads one process; null if there is none.
kj::Maybe<ProcessInfo> readProcess(pid_t pid);

// Returns all processes that /proc shows, in order of pid.
kj::Vector<ProcessInfo> listProcesses();

// Returns the children of this process, whichever thread made or adopted them; null if the kernel
// does not tell. One may be missing if another ends meanwhile.
kj::Maybe<kj::Vector<pid_t>> ownChildren();

// Says whether an entry that begins with `prefix`, such as "NAME=", was in the environment with
// which the program of `pid` was started. Null while nobody can tell, because a process has no
// environment in the middle of an exec.
kj::Maybe<bool> startedWithVariable(pid_t pid, kj::StringPtr prefix);

// Returns those of `pids` that were started with such a variable. It looks again at a process in
// the middle of an exec, for 20 ms at most, or for half a second if it waits for a CPU.
std::set<pid_t> allStartedWith(kj::ArrayPtr<const pid_t> pids, kj::StringPtr prefix);

// Returns those of `pids` that have a descriptor whose link in /proc/PID/fd is `link`, such as
// "pipe:[4711]". May take a millisecond per process, so it belongs on a worker thread.
kj::Vector<pid_t> holdersOf(kj::ArrayPtr<const pid_t> pids, kj::StringPtr link);

}  // namespace nodeagent
