// SshBackend is the kind "ssh": nodes are hosts that are reached by ssh(1) alone. An agent is
// copied to each, started there, and removed again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/provision/program/backend.h"
#include "harness/provision/ssh/host_node.h"

namespace harness {

class SshBackend : public Backend {
 public:
  KindKeys keys() const override;
  Examination examine(const ClusterPlan& plan) override;
  std::map<std::string, MadeNode> up(const UpRequest& request, UpReport& report) override;
  std::map<std::string, Power> state(const KnownCluster& cluster) override;
  void down(const KnownCluster& cluster) override;
  // Hosts are not known without a plan, so there are none to ask.
  std::vector<std::string> list(const std::string& owner) override;
};

}  // namespace harness
