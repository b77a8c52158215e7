// Looks through the processes of the node for those of a job and kills them: by the mark in their
// environment, by their parents, and by their session. It knows no cgroups (cgroup.h), nor jobs
// (process_set.h).
//
// Everything here belongs on a worker thread: it reads the whole of /proc, and may wait for a
// process that hangs.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <map>
#include <set>

#include <kj/common.h>
#include <kj/string.h>
#include <kj/vector.h>

namespace nodeagent {

// Names the processes that carry a mark, and their descendants.
struct Marked {
  kj::StringPtr marker;
  // Older processes cannot carry it. As ProcessInfo::startTicks.
  uint64_t sinceTicks = 0;
};

// Returns the boot clock in the unit of ProcessInfo::startTicks.
uint64_t ticksNow();

// Kills the processes that are marked, those of `seeds`, and the descendants of all of them. It
// stops each generation before it looks for the next, so that none forks meanwhile. It ends with a
// look that finds none that was not killed before, after two seconds at the latest.
void killFamily(kj::ArrayPtr<const pid_t> seeds, const Marked& marked);

// Kills the marked processes and their descendants. Blocks until they are gone, for two seconds at
// most. Returns those that are not gone.
kj::Vector<pid_t> killUntilGone(const Marked& marked);

// Names the processes of a job on a node without cgroups. The keeper is the reaper of their
// orphans, so each descends from the keeper.
struct Descent {
  kj::String marker;
  // The first process.
  pid_t leader = 0;
  // The first processes of all jobs.
  std::set<pid_t> leaders;
  // Members seen before, with their start, so that a member is found when its mark is gone.
  std::map<pid_t, uint64_t> known;
};

struct DescentLook {
  // The live members, and all members with their start, as in Descent::known.
  kj::Vector<pid_t> members;
  std::map<pid_t, uint64_t> known;
  // False if an orphan of the keeper may be a member, and nobody can tell now.
  bool isCertain = true;
};

// Returns whether the keeper has no child that may be of the job. It reads nothing of any other
// process, so it may be called on the loop.
bool hasNoDescendant(const Descent& descent);

DescentLook lookByDescent(const Descent& descent);

// Signals the members that it sees, in the order of the signals.
void signalByDescent(const Descent& descent, kj::ArrayPtr<const int> signals);

// Kills all members, until a look finds none, for two seconds at most.
void killByDescent(Descent descent);

}  // namespace nodeagent
