// Every process of one job, whatever session or process group it moved to, and however its parents
// died.
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

// Destroying it kills what is left.
class ProcessSet {
 public:
  virtual ~ProcessSet() noexcept(false) = default;

  // For SpawnOptions::cgroup; -1: processes are recognised by other marks.
  virtual int cgroupFd() const { return -1; }

  // "NAME=value" that must be in the first process's environment; empty: none is needed.
  virtual kj::StringPtr marker() const { return ""; }

  // The first process, once it is there.
  virtual void begin(pid_t leader) = 0;

  // Those alive, without zombies; the first one too, if it is. A snapshot.
  virtual kj::Vector<pid_t> list() = 0;

  virtual void signalAll(int signal) = 0;

  // Kills all, again until none is left, also stopped ones. They go soon after.
  virtual void killAll() = 0;

  // Resolves when none is left. One at a time; may be dropped.
  virtual kj::Promise<void> whenEmpty() = 0;

  // Whether the kernel killed the process, once of this set, for lack of memory since then.
  virtual MemoryKill memoryKill(pid_t pid, int64_t sinceMonotonicNs);

  // Limits of the whole set; an errno, or 0. ENOTSUP where there is none.
  virtual int limitMemory(uint64_t bytes);
  virtual int limitProcesses(uint64_t count);
};

// Makes sets by cgroup where the node has a writable cgroup2, else by descent, which needs the
// keeper to be the reaper of orphans and cannot see a process that cleared its environment, left
// its session and lost its parent at once.
class ProcessSets {
 public:
  // `name` as for CgroupTree::open.
  static kj::Own<ProcessSets> byCgroup(kj::Own<CgroupTree> tree, kj::StringPtr name,
                                       kj::UnixEventPort& port, kj::Timer& timer);
  static kj::Own<ProcessSets> byDescent(kj::StringPtr name, kj::Timer& timer);

  // Kills what the sets of a process that has ended left, which had made them by best() with
  // `name`. May block for two seconds.
  static void killLeftovers(kj::StringPtr name);

  // Kills those whose mark begins with `marker`, with their descendants, whether a set knows of
  // them or not. Blocks until they are gone, for two seconds at most; which are not.
  static kj::Vector<pid_t> killMarked(kj::StringPtr marker);

  // Of all sets of all processes that made theirs with `name`. For killMarked.
  static kj::String markerOf(kj::StringPtr name);

  // The best that this node has.
  static kj::Own<ProcessSets> best(kj::StringPtr name, kj::UnixEventPort& port, kj::Timer& timer);

  virtual ~ProcessSets() noexcept(false) = default;

  // `this` outlives it. Throws if the kernel refuses. `owner`: whose it is, for the next.
  virtual kj::Own<ProcessSet> make(uint64_t owner) = 0;

  // With this the marks of the owner's sets begin, and no others; empty: there are no marks.
  virtual kj::String markerOf(uint64_t owner) const = 0;

  // "cgroup" or "descent", for facts and logs.
  virtual kj::StringPtr kind() const = 0;
};

}  // namespace nodeagent
