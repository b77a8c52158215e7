// What a process gives up before it faces the network.
#pragma once

#include <sys/types.h>

namespace nodeagent {

// Becomes this user for good, without supplementary groups. Throws a failure of kind system.
void becomeUser(uid_t user, gid_t group);

// No program that this process starts gains privileges; no core dump, no tracing by others.
void lockDown();

// No core dump of this process, no tracing by other users. What it starts is as it was.
void refuseDumps();

// When memory runs out, the kernel is to choose others first: what this process starts, unless it
// says otherwise. Where that is not allowed, nothing changes.
void protectFromOutOfMemory();

// SIGKILL when `parent` ends. Exits at once if it has ended already. After becomeUser, which undoes
// it.
void dieWithParent(pid_t parent);

}  // namespace nodeagent
