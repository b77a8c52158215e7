// Nodes that are namespaces of this machine. This composes the parts of each node; muster-hub makes
// them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "harness/os/process.h"
#include "harness/provision/provisioner.h"

namespace harness {

struct LocalOptions {
  // Empty: muster-hub, where findProgram finds it.
  std::string hubProgram;
  // Empty: nodeagent, where findProgram finds it.
  std::string agentProgram;
  // The time for all agents together to listen, and for all boot commands to end.
  std::chrono::seconds readyTime{120};
  // The time for a hub to answer a request that takes it none.
  std::chrono::seconds answerTime{30};
};

// Needs root. Clusters of kOwned end with this object, or with its process, however it ends.
class LocalProvisioner : public Provisioner, public MachineControl {
 public:
  explicit LocalProvisioner(LocalOptions options = {});
  ~LocalProvisioner() override;
  LocalProvisioner(const LocalProvisioner&) = delete;
  LocalProvisioner& operator=(const LocalProvisioner&) = delete;

  Examination examine(const ClusterPlan& plan) override;
  ClusterDescription up(const ClusterPlan& plan, Tenure tenure) override;
  ClusterDescription find(const std::string& cluster) override;
  ClusterWishes wishes(const std::string& cluster) override;
  void down(const std::string& cluster) override;
  std::vector<ClusterEntry> list() override;
  ClusterState state(const std::string& cluster) override;
  std::vector<std::string> differences(const ClusterPlan& plan) override;
  std::vector<std::string> collect() override;
  MachineControl* machineControl() override { return this; }

  void freeze(const std::string& cluster, const std::string& node) override;
  void thaw(const std::string& cluster, const std::string& node) override;
  void powerOff(const std::string& cluster, const std::string& node) override;
  PowerBefore powerOn(const std::string& cluster, const std::string& node) override;

 private:
  // A hub that this object started.
  struct Started {
    Child hub;
    Tenure tenure = Tenure::kOwned;
    // The hub ends with this descriptor, if it is owned.
    Fd input;
  };

  // Returns a text to follow the refusal of a plan whose cluster is up. Empty: it does not differ.
  std::string differencesText(const ClusterPlan& plan);
  ClusterDescription start(const ClusterPlan& plan, Tenure tenure);
  void remove(const std::string& cluster);
  nlohmann::json order(const std::string& verb, const std::string& cluster,
                       const std::string& node);
  Fd connectTo(const std::string& cluster);
  nlohmann::json ask(const std::string& cluster, const nlohmann::json& request,
                     std::chrono::seconds patience);

  LocalOptions options_;
  std::map<std::string, Started> started_;
  // They are kept open, because the nodes that this process froze are thawed when they close.
  std::map<std::string, Fd> controls_;
};

}  // namespace harness
