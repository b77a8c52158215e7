// Reads processes from /proc. Every answer is a snapshot: a process may be gone when the caller
// looks at it.
//
// A look at another process may take part in its memory, and then waits for whatever that memory
// waits for, such as a file system that hangs. Only childrenOf and commandOf never do, so all
// others belong on a worker thread.
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
  int threads = 0;
  // True if all of its threads have ended.
  bool hasEnded = false;
  // It is a thread of the kernel (PF_KTHREAD), whatever its pid and parent are.
  bool isOfKernel = false;
  // Counts from boot; tells two processes of one pid apart.
  uint64_t startTicks = 0;
  // The time that its threads have had of processors, in user and kernel mode, in the same ticks.
  uint64_t cpuTicks = 0;
  // At most 15 bytes, as the kernel keeps it; the process may change it.
  kj::String command;
};

// Reads one process; null if there is none, or if it cannot be read, such as for want of a
// descriptor.
kj::Maybe<ProcessInfo> readProcess(pid_t pid);

// Reads one process; null only if there is none. Fails with kind system if it cannot be read, for
// callers that would take a process that lives for one that has ended.
kj::Maybe<ProcessInfo> readProcessSurely(pid_t pid);

// Returns all processes that /proc shows, in order of pid.
kj::Vector<ProcessInfo> listProcesses();

// A name by which processes are chosen has at most these bytes.
constexpr size_t kProcessNameBytesMax = 255;

// Says whether processes can be chosen by this name: it is not empty, has at most
// kProcessNameBytesMax bytes, and neither a slash nor a control character.
bool isProcessName(kj::StringPtr name);

// Returns the first of `names` that is the process's own: that of its program as the kernel keeps
// it, or the last part of argv[0]. Null if none is.
kj::Maybe<kj::StringPtr> nameAmong(const ProcessInfo& process,
                                   kj::ArrayPtr<const kj::String> names);

// Returns the children of a process, whichever of its threads made or adopted them; null if there
// is no such process or the kernel does not tell. One may be missing if another ends meanwhile.
kj::Maybe<kj::Vector<pid_t>> childrenOf(pid_t pid);

// Returns the name of the program as the kernel keeps it, like ProcessInfo::command; null if there
// is no such process.
kj::Maybe<kj::String> commandOf(pid_t pid);

// Says whether an entry that begins with `prefix`, such as "NAME=", was in the environment with
// which the program of `pid` was started. Null while nobody can tell, because a process has no
// environment in the middle of an exec, and because that of a process with a thread in an
// uninterruptible call is not read. At most 8 MiB are read, more than an environment can have.
kj::Maybe<bool> startedWithVariable(pid_t pid, kj::StringPtr prefix);

struct StartedWith {
  std::set<pid_t> found;
  // Those of which nobody could tell in time.
  std::set<pid_t> unknown;
};

// Finds those of `pids` that were started with such a variable. It looks again at those of which
// nobody can tell, for half a second at most.
StartedWith allStartedWith(kj::ArrayPtr<const pid_t> pids, kj::StringPtr prefix);

// Returns those of `pids` that have a descriptor whose link in /proc/PID/fd is `link`, such as
// "pipe:[4711]". May take a millisecond per process, so it belongs on a worker thread.
kj::Vector<pid_t> holdersOf(kj::ArrayPtr<const pid_t> pids, kj::StringPtr link);

}  // namespace nodeagent
