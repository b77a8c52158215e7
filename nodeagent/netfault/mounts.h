// Mounts that faults make over a directory, each known by its number, so that no other is ever
// taken away. All calls block, so they belong on worker threads.
#pragma once

#include <stdint.h>

#include <kj/string.h>

#include "nodeagent/netfault/local_effect.h"

namespace nodeagent::netfault {

// Returns the directory without links. Fails with the kind of the errno, and invalid for another
// kind of file.
kj::String realDirectory(kj::StringPtr path);

// Fails with kind denied if the agent's state is below the directory: the agent must go on writing
// what it needs to undo a fault.
void requireWithoutState(kj::StringPtr directory, const LocalHost& host);

// Returns the number of the mount that a descriptor is the root of. It asks nothing of the file
// system. Fails with kind unsupported if the kernel does not tell.
uint64_t mountIdOf(int file);

// Whether a mount is at a place, and whether it is the topmost one there.
struct MountLook {
  bool has = false;
  bool isTopmost = false;
};
MountLook mountsAt(kj::StringPtr place, uint64_t id);

// Takes away the mount, which is at the place, and waits for nothing that has files open in it.
// Fails with kind conflict if another one is over it, and system if the kernel shows it still.
void unmountTopmost(kj::StringPtr place, uint64_t id);

}  // namespace nodeagent::netfault
