// The kind "podman": nodes that are containers of podman, each with the agent's static program
// mounted into it. Podman itself keeps what there is; labels say whose it is (podman_marks.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/provision/podman/podman.h"
#include "harness/provision/podman/podman_container.h"
#include "harness/provision/podman/podman_machine.h"
#include "harness/provision/program/backend.h"

namespace harness {

class PodmanBackend : public Backend, public BackendMachines {
 public:
  // Finds podman in PATH.
  PodmanBackend();

  KindKeys keys() const override;
  Examination examine(const ClusterPlan& plan) override;
  std::map<std::string, MadeNode> up(const UpRequest& request, UpReport& report) override;
  std::map<std::string, Power> state(const KnownCluster& cluster) override;
  void down(const KnownCluster& cluster) override;
  std::vector<std::string> list(const std::string& owner) override;
  BackendMachines* machines() override { return this; }

  void freeze(const KnownCluster& cluster, const std::string& node) override;
  void thaw(const KnownCluster& cluster, const std::string& node) override;
  // A frozen node stays frozen until it is dead.
  void powerOff(const KnownCluster& cluster, const std::string& node) override;
  // Waits for the boot commands. A node whose commands fail is off then.
  PowerBefore powerOn(const KnownCluster& cluster, const std::string& node) override;

 private:
  struct Found {
    std::string id;
    // As podman says: "created", "running", "paused", "exited", "stopped" …
    std::string state;
    pid_t pid = 0;
  };

  // Returns podman with the options that were chosen when the cluster was made.
  Podman podmanOf(const KnownCluster& cluster) const;
  Found find(const Podman& podman, const KnownCluster& cluster, const std::string& node) const;

  // Empty: podman is not here.
  std::string program_;
};

}  // namespace harness
