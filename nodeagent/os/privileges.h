// Drops the privileges of a process before it faces the network, and ties its life to others.
#pragma once

#include <sys/types.h>

#include <kj/common.h>

namespace nodeagent {

// Makes the process this user for good, without supplementary groups. Throws a failure of kind
// system.
void becomeUser(uid_t user, gid_t group);

// Forbids that any program which this process starts gains privileges, that it dumps core, and that
// others trace it.
void lockDown();

// Forbids core dumps of this process and tracing by other users. Programs that it starts are as
// before.
void refuseDumps();

// Asks the kernel to choose other processes first when memory runs out. Programs that this process
// starts inherit that unless they say otherwise. Nothing changes where it is not allowed.
void protectFromOutOfMemory();

// Returns the oom_score_adj for programs that are not to be protected as this process is; null if
// it is not protected either. Call it after protectFromOutOfMemory, whose result it remembers.
kj::Maybe<int> oomScoreOfJobs();

// Lets SIGKILL end this process when `parent` ends, and exits at once if it has ended already. Call
// it after becomeUser, which undoes it.
void dieWithParent(pid_t parent);

}  // namespace nodeagent
