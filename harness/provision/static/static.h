// Nodes that exist already, and whose agents somebody else starts. The cluster file says where they
// answer; nothing here starts or ends them.
#pragma once

#include "harness/provision/provisioner.h"

namespace harness {

// Makes and unmakes nothing. up() looks whether each agent accepts connections, within 10 s for
// all.
class StaticProvisioner : public Provisioner {
 public:
  Examination examine(const ClusterPlan& plan) override;
  std::optional<ClusterDescription> foretell(const ClusterPlan& plan) override;
  ClusterDescription up(const ClusterPlan& plan, Tenure tenure) override;
  ClusterDescription find(const std::string& cluster) override;
  void down(const std::string& cluster) override;
  std::vector<ClusterEntry> list() override;
  ClusterState state(const std::string& cluster) override;
  std::vector<std::string> collect() override;
};

}  // namespace harness
