// Nodes that exist already, and whose agents somebody else starts: the cluster file says where they
// answer.
#pragma once

#include "harness/provision/provisioner.h"

namespace harness {

// Makes and unmakes nothing: up() looks whether each agent accepts connections, within 10 s for
// all.
class StaticProvisioner : public Provisioner {
 public:
  ClusterDescription up(const ClusterPlan& plan, Tenure tenure) override;
  ClusterDescription find(const std::string& cluster) override;
  void down(const std::string& cluster) override;
  void freeze(const std::string& cluster, const std::string& node) override;
  void thaw(const std::string& cluster, const std::string& node) override;
  void powerOff(const std::string& cluster, const std::string& node) override;
  void powerOn(const std::string& cluster, const std::string& node) override;
};

// What the plan of a static cluster says, without asking any node.
ClusterDescription describeStatic(const ClusterPlan& plan);

}  // namespace harness
