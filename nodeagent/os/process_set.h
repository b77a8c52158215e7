// Finds and kills every process of one job, whatever session or process group it moved to, and
// however its parents died. It starts none (spawner.h) and reaps none.
#pragma once

#include <sys/types.h>

#include <kj/async-unix.h>
#include <kj/async.h>
#include <kj/memory.h>
#include <kj/string.h>
#include <kj/timer.h>
#include <kj/vector.h>

#include "nodeagent/os/cgroup.h"
#include "nodeagent/os/memory_kills.h"

namespace nodeagent {

// The processes of one job. Its destruction kills those that are left.
class ProcessSet {
 public:
  virtual ~ProcessSet() noexcept(false) = default;

  // Returns the descriptor for SpawnOptions::cgroup; -1 if processes are recognised by other marks.
  virtual int cgroupFd() const { return -1; }

  // Returns the "NAME=value" that must be in the first process's environment; empty if none is
  // needed.
  virtual kj::StringPtr marker() const { return ""; }

  // Tells the set its first process, once it is there.
  virtual void begin(pid_t leader) = 0;

  // Returns the live processes without zombies, the first one included if it is alive. A snapshot.
  virtual kj::Vector<pid_t> list() = 0;

  virtual void signalAll(int signal) = 0;

  // Kills all processes, also stopped ones, and goes on until none is left. They are gone soon
  // after, but not yet on return.
  virtual void killAll() = 0;

  // Resolves when no process is left. One call at a time; the promise may be dropped.
  virtual kj::Promise<void> whenEmpty() = 0;

  // Says whether the kernel killed this process of the set for lack of memory after
  // `sinceMonotonicNs`.
  virtual MemoryKill memoryKill(pid_t pid, int64_t sinceMonotonicNs);

  // Limit the whole set. They return an errno, or 0; ENOTSUP where the set knows no limits.
  virtual int limitMemory(uint64_t bytes);
  virtual int limitProcesses(uint64_t count);
};

// Makes sets. Sets by cgroup need a writable cgroup2. Sets by descent, for other nodes, need the
// keeper to be the reaper of orphans, and miss a process that cleared its environment, left its
// session and lost its parent all at once.
class ProcessSets {
 public:
  // These two make sets of one kind. `name` is that of CgroupTree::open.
  static kj::Own<ProcessSets> byCgroup(kj::Own<CgroupTree> tree, kj::StringPtr name,
                                       kj::UnixEventPort& port, kj::Timer& timer);
  static kj::Own<ProcessSets> byDescent(kj::StringPtr name, kj::Timer& timer);

  // Kills the processes that a process which has ended left behind in its sets, made by best() with
  // `name`. May block for two seconds.
  static void killLeftovers(kj::StringPtr name);

  // Kills the processes whose mark begins with `marker`, and their descendants, whether a set knows
  // of them or not. Blocks until they are gone, for two seconds at most. Returns those that are not
  // gone.
  static kj::Vector<pid_t> killMarked(kj::StringPtr marker);

  // Returns the common prefix of the marks of all sets that any process made with `name`, for
  // killMarked.
  static kj::String markerOf(kj::StringPtr name);

  // Makes sets of the best kind that this node has.
  static kj::Own<ProcessSets> best(kj::StringPtr name, kj::UnixEventPort& port, kj::Timer& timer);

  virtual ~ProcessSets() noexcept(false) = default;

  // Makes a set. This object outlives it. `owner` says whose it is, for markerOf. Throws if the
  // kernel refuses.
  virtual kj::Own<ProcessSet> make(uint64_t owner) = 0;

  // Returns the common prefix of the marks of all sets of `owner`; no other set's mark starts with
  // it. Empty if sets have no marks.
  virtual kj::String markerOf(uint64_t owner) const = 0;

  // Returns "cgroup" or "descent", for facts and logs.
  virtual kj::StringPtr kind() const = 0;
};

}  // namespace nodeagent
