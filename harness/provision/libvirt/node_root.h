// The root file system of a node that is a container: an overlay over a directory of this machine.
//
//   NODE/upper   what differs from the directory: the node's files, and what the node writes
//   NODE/work    the overlay's own
//   NODE/root    where the overlay is mounted while the node is on
//   NODE/boot-id what the node reads as its boot id
#pragma once

#include <string>
#include <vector>

#include "harness/provision/agent_files.h"
#include "harness/provision/libvirt/libvirt_keys.h"

namespace harness {

struct NodeRootPlan {
  std::string node;
  // The name of the node's domain, which is also that of its control group.
  std::string domain;
  // NODE above.
  std::string directory;
  LibvirtNodeSettings settings;
  std::string agentProgram;
  std::vector<AgentFile> agentFiles;
  std::string hosts;
};

// Returns NODE of a node for a cluster's directory.
std::string nodeDirectory(const std::string& directory, const std::string& node);

// Return the paths of its parts.
std::string rootOf(const std::string& directory);
std::string bootIdOf(const std::string& directory);

// Returns the program and arguments of process 1.
std::vector<std::string> firstProcess(DomainInit init);

// Writes the files of a node. Nothing is mounted. Throws ProvisionError if the directory may bear
// no overlay, SystemError.
void writeRoot(const NodeRootPlan& plan);

// Mounts the overlay for a start of the node, which finds its /run and /tmp empty and has a new
// boot id. An overlay that is mounted already is replaced: nothing may run in it. Throws
// ProvisionError, SystemError.
void mountRoot(const std::string& directory, const LibvirtNodeSettings& settings,
               const std::string& node);

// Removes NODE with what is mounted in it. One that is not there is no error. Throws SystemError.
void removeRoot(const std::string& directory);

// Removes the control groups that a node with systemd has made for itself, which do not go with
// its domain where control groups are of version 1.
void removeGroups(const std::string& domain);

// The paths of the log and of the status of a node's boot commands. The status is there when they
// are over.
std::string bootLogOf(const std::string& directory);
std::string bootStatusOf(const std::string& directory);

}  // namespace harness
