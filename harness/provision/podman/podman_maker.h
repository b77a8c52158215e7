// Makes the containers of a cluster. What it has made when it throws is left for
// PodmanBackend::down().
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/provision/podman/podman.h"
#include "harness/provision/podman/podman_container.h"
#include "harness/provision/podman/podman_machine.h"
#include "harness/provision/podman/podman_network.h"
#include "harness/provision/program/backend.h"

namespace harness {

class PodmanMaker {
 public:
  // `request` and `report` are borrowed.
  PodmanMaker(Podman podman, const UpRequest& request, UpReport& report);

  // Throws ProvisionError if a container that is not the cluster's has the name of one.
  void requireNames() const;

  std::map<std::string, MadeNode> make();

 private:
  ContainerPlan planOf(size_t index, const PodmanNetwork& network) const;
  void pullImages();
  void create(const ContainerPlan& plan, const std::string& hosts);
  // Creates and starts the first container with the first of the machine's choices that works.
  void chooseRuntime(const ContainerPlan& plan, const std::string& hosts);
  void start(const ContainerPlan& plan);
  MadeNode describe(const ContainerPlan& plan) const;
  void failIfCancelled() const;

  Podman podman_;
  const UpRequest& request_;
  UpReport& report_;
  const PodmanSettings settings_;
  const ClusterMark mark_;
  PodmanFacts facts_;
};

// Starts a container whose boot commands, if it has any, leave their status in `directory`, which
// is that of its node. Throws ProvisionError if it ends at once.
void startContainer(const Podman& podman, const std::string& container,
                    const std::string& directory, const std::string& node);

// Waits until the boot commands of nodes are over, whose directories are given by name. Throws
// ProvisionError if some fail, last too long, or `isCancelled` is true.
void awaitBoot(const std::map<std::string, std::string>& directories,
               const std::function<bool()>& isCancelled);

}  // namespace harness
