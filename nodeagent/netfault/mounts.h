// Mounts that faults make over a directory, each known again by what the kernel tells of it, so
// that no other is ever taken away. All calls block, so they belong on worker threads.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

#include <kj/array.h>
#include <kj/string.h>

#include "nodeagent/netfault/local_effect.h"
#include "nodeagent/os/mount_table.h"

namespace nodeagent::netfault {

// Returns the directory without links. Fails with the kind of the errno, and invalid for another
// kind of file.
kj::String realDirectory(kj::StringPtr path);

// Fails with kind denied if the agent's state is below the directory: the agent must go on writing
// what it needs to undo a fault.
void requireWithoutState(kj::StringPtr directory, const LocalHost& host);

// By which a mount is known again. The kernel gives a number to the next mount as soon as it is
// free, so that alone says little: what is mounted has to be the same, too.
struct MountIdentity {
  uint64_t id = 0;
  // A number that the kernel never gives again. 0: it is older than 6.8 and has none.
  uint64_t uniqueId = 0;
  dev_t device = 0;
  // 0: whoever serves the file system must not be asked, so its number and type are all.
  ino_t root = 0;
};

// Returns the identity of the mount that a descriptor is the root of. Fails with kind unsupported
// if the kernel does not tell. numberOf() asks nothing of the file system.
MountIdentity identityOf(int fd);
MountIdentity numberOf(int fd);

kj::String lineOf(const MountIdentity& identity);

// The mount of a fault, as its lines say: the directory, the mount's identity, and, if there are
// three, the numbers of the mounts that came with it.
struct OwnMount {
  explicit OwnMount(kj::ArrayPtr<const kj::String> lines);

  std::string place;
  MountIdentity identity;
  // False: its keeper was killed before it could tell.
  bool knowsBelow = false;
  std::set<uint64_t> below;
};

// Where the mount of a fault stands now.
struct Standing {
  bool isThere = false;
  bool isTopmost = false;
  // The type of the file system, such as "ext4".
  std::string type;
  // The mounts below it.
  std::vector<MountLine> below;
};
Standing standingOf(const OwnMount& own);

// Takes the mount away, and waits for nothing that has files open in it. Fails with kind conflict
// if another one is over it, and system if the kernel shows it still.
void unmountTopmost(const OwnMount& own);

}  // namespace nodeagent::netfault
