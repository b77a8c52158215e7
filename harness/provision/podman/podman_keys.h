// PodmanSettings holds the settings of a cluster file for nodes that are containers of podman.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/cluster/kind_keys.h"

namespace harness {

enum class ContainerInit { kMinimal, kSystemd };

// What is done about an image that podman does not have.
enum class Pull { kNever, kMissing };

struct PodmanNodeSettings {
  // One of both is not empty: the name of an image, or a directory of this machine whose content is
  // the root file system. What a node writes does not reach the directory.
  std::string image;
  std::string rootfs;
  ContainerInit init = ContainerInit::kMinimal;
  // 0: no limit.
  uint64_t memoryBytes = 0;
  uint64_t pids = 0;
  // A number of processors as podman takes it, such as "1.5". Empty: no limit.
  std::string cpus;
  // As podman's options --volume and --publish take them.
  std::vector<std::string> volumes;
  std::vector<std::string> ports;
  // Names such as "mknod", in addition to those that each node has.
  std::vector<std::string> capabilities;
  // Variables by name.
  std::map<std::string, std::string> environment;
  // Shell commands, run as root at every start of the node, in order.
  std::vector<std::string> boot;
};

struct PodmanSettings {
  // The name of the network that the nodes share. Empty: one is made for the cluster.
  std::string network;
  Pull pull = Pull::kNever;
  // In the order of the plan.
  std::vector<PodmanNodeSettings> nodes;
};

KindKeys podmanKeys();

// Throws ClusterFileError for a plan that cannot be, such as one with a node that has neither image
// nor rootfs, or both.
PodmanSettings readPodmanSettings(const ClusterPlan& plan);

}  // namespace harness
