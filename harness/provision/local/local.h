// Nodes as namespaces of this machine. Composes what each node consists of; muster-hub makes it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/os/process.h"
#include "harness/provision/provisioner.h"

namespace harness {

struct LocalOptions {
  std::string hubProgram;    // Empty: muster-hub beside this program, or in PATH.
  std::string agentProgram;  // Empty: nodeagent, likewise.
  // For all agents together to listen, and all boot commands to end.
  std::chrono::seconds readyTime{120};
};

// Needs root. Clusters of kOwned end with this object, or with its process, however it ends.
class LocalProvisioner : public Provisioner {
 public:
  explicit LocalProvisioner(LocalOptions options = {});
  ~LocalProvisioner() override;
  LocalProvisioner(const LocalProvisioner&) = delete;
  LocalProvisioner& operator=(const LocalProvisioner&) = delete;

  ClusterDescription up(const ClusterPlan& plan, Tenure tenure) override;
  ClusterDescription find(const std::string& cluster) override;
  void down(const std::string& cluster) override;
  void freeze(const std::string& cluster, const std::string& node) override;
  void thaw(const std::string& cluster, const std::string& node) override;
  void powerOff(const std::string& cluster, const std::string& node) override;
  void powerOn(const std::string& cluster, const std::string& node) override;

  // "on", "frozen" or "off" of every node of a cluster that runs.
  std::map<std::string, std::string> power(const std::string& cluster);

  // Whether the cluster ends with the process that made it, as that of a test program does.
  // ProvisionError if it does not run.
  bool owned(const std::string& cluster);

 private:
  // A hub that this object started.
  struct Started {
    Child hub;
    Tenure tenure = Tenure::kOwned;
    Fd input;  // Its end is the hub's end, if it is owned.
  };

  ClusterDescription start(const ClusterPlan& plan, Tenure tenure);
  void remove(const std::string& cluster);
  void order(const std::string& verb, const std::string& cluster, const std::string& node);
  std::string ask(const std::string& cluster, const std::string& request,
                  std::chrono::seconds patience);

  LocalOptions options_;
  std::map<std::string, Started> started_;
  std::map<std::string, Fd>
      controls_;  // Kept open: what this process froze is thawed when it ends.
};

// One cluster of this machine, as `muster gc` and `muster nodes` see it.
struct LocalClusterState {
  std::string name;
  bool lives = false;  // False: what a killed hub has left.
};
std::vector<LocalClusterState> localClusters();

// Removes what killed hubs have left; clusters that live are not touched. The names of those
// collected.
std::vector<std::string> collectLocal();

}  // namespace harness
