// Makes the view that a node has of the machine, which is its root file system, devices and kernel
// interfaces. It works from inside the namespaces, which node.cc makes.
#pragma once

#include <string>
#include <vector>

#include "harness/provision/local/hub/spec.h"

namespace harness {

struct RootPlaces {
  // The directory on the host with upper/, work/ and root/ of the overlay.
  std::string disk;

  // The directory on the host that the node sees as /run/muster.
  std::string directory;

  // Mounts cgroup2 at /sys/fs/cgroup. The process must be in a cgroup namespace of its own.
  bool groups = false;
};

// Makes the new root and moves the calling process into it. Call it in fresh mount, pid, network,
// UTS and IPC namespaces, as the process that becomes number 1. The outside sees no change. Throws
// SystemError.
void enterRoot(const NodeSpec& node, const std::vector<FileSpec>& commonFiles,
               const RootPlaces& places);

// Gives up, for this process and all that it starts, the capabilities that reach through the
// namespaces, but for those in `kept`. These are "sys_time", "mknod", "sys_module", "sys_rawio" and
// "sys_boot".
void dropCapabilities(const std::vector<std::string>& kept);

}  // namespace harness
