// Finds and kills every process of one job, whatever session or process group it moved to, and
// however its parents died. It starts none (spawner.h) and reaps none.
//
// No call waits for another process, which may hang: whatever reads about others does so on threads
// of the sets.
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

  // Returns whether surely no process is left. If not, list() tells.
  virtual bool isSurelyEmpty() = 0;

  // Resolves to the live processes without zombies, the first one included if it is alive. A
  // snapshot, which may take as long as a look at every process of the node. If a look takes longer
  // than a second, such as for a process that hangs, none is known.
  virtual kj::Promise<kj::Vector<pid_t>> list() = 0;

  // Sends the signals to each process, in this order. Resolves once they are sent.
  virtual kj::Promise<void> signalAll(kj::Array<int> signals) = 0;

  // Kills all processes, also stopped ones, and goes on until none is left, without its caller.
  // They are gone soon after, but not yet on return, unless the kernel cannot end them.
  virtual void killAll() = 0;

  // Resolves when no process is left. One call at a time; the promise may be dropped.
  virtual kj::Promise<void> whenEmpty() = 0;

  // Says whether the kernel killed this process of the set for lack of memory after
  // `sinceMonotonicNs`.
  virtual MemoryKill memoryKill(pid_t pid, int64_t sinceMonotonicNs);

  // Returns how many of its processes the kernel killed for lack of memory; 0 also where the node
  // does not count them.
  virtual uint64_t memoryKills() { return 0; }

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
  // `name`. May block for some seconds, or longer if a process hangs, so it belongs on a worker
  // thread.
  static void killLeftovers(kj::StringPtr name);

  // Kills the processes whose mark begins with `marker`, and their descendants, whether a set knows
  // of them or not. Blocks like killLeftovers, until they are gone, or for two seconds if none
  // hangs. Returns those that are not gone.
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

  // Kills the marked processes that an earlier agent left in sets of the same name. Call it before
  // make(). May block for three seconds.
  virtual void killEarlier() {}

  // Returns "cgroup" or "descent", for facts and logs.
  virtual kj::StringPtr kind() const = 0;

  // Ends the threads of the sets like Worker::close, after what they still have to kill.
  virtual bool close(kj::Duration limit) {
    (void)limit;
    return true;
  }
};

}  // namespace nodeagent
