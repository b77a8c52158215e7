// Says what podman on this machine can do, and whether it can make the containers of a plan.
#pragma once

#include <string>
#include <vector>

#include "harness/provision/podman/podman.h"
#include "harness/provision/podman/podman_keys.h"
#include "harness/provision/provisioner.h"

namespace harness {

// What `podman info` says.
struct PodmanFacts {
  std::string version;
  bool isRootless = false;
  // True where control groups are of version 2 alone.
  bool hasUnifiedGroups = false;
  std::vector<std::string> controllers;
  std::string networkBackend;
  // Without it a container of an ordinary user has no network.
  bool hasSlirp = false;
};

// Throws ProvisionError.
PodmanFacts podmanFacts(const Podman& podman);

// Throws std::exception for a text that is not podman's.
PodmanFacts parsePodmanFacts(const std::string& info);

// Returns the options of podman that may work here, the most usual first: podman's own choice of a
// runtime and of a manager of control groups does not work on each machine, and the first container
// shows it.
std::vector<std::vector<std::string>> runtimeChoices();

// Returns options of `podman create` that give a container the limits of this process, where
// podman's own are above them and may not be had. Empty: there is no need.
std::vector<std::string> limitOptions(const PodmanFacts& facts);

// Says whether there can be such containers. Asks podman about images, networks and names, and
// starts none.
Examination examinePodman(const ClusterPlan& plan, const PodmanSettings& settings,
                          const Podman& podman);

}  // namespace harness
