// The network that the nodes of a cluster share: one of podman's that is there, or one that is made
// for the cluster.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/provision/podman/podman.h"
#include "harness/provision/podman/podman_marks.h"
#include "harness/provision/provisioner.h"

namespace harness {

struct PodmanNetwork {
  std::string name;
  // One for each node, the same at each of its starts.
  std::vector<std::string> addresses;
};

// Says whether the network `name` may be used, if there is one.
void examineNetwork(const std::string& name, const Podman& podman, Examination& report);

// Returns the network `name`, which is made if there is none; empty: the cluster's own. Throws
// ProvisionError, as for a network of the cluster's own name that somebody else made.
PodmanNetwork prepareNetwork(const std::string& name, const ClusterMark& mark, size_t nodes,
                             const Podman& podman);

// Returns `count` addresses of a subnet such as "10.89.0.0/24", the lowest behind its tenth of
// which none is in `taken`. Throws ProvisionError if there are too few, or the text is no IPv4
// subnet.
std::vector<std::string> chooseAddresses(const std::string& subnet,
                                         const std::vector<std::string>& taken, size_t count);

}  // namespace harness
