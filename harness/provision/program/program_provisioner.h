// ProgramProvisioner is a kind of provisioner whose nodes a program makes, in whatever language
// that is written. The program has the machines; this has everything else: the store of clusters,
// certificates, the wait for agents, and the end of what a killed program has half made.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/cluster/kind_keys.h"
#include "harness/provision/program/channel.h"
#include "harness/provision/program/cluster_store.h"
#include "harness/provision/provisioner.h"

namespace harness {

struct ProgramOptions {
  // The path of the program.
  std::string program;
  // The kind's word in a cluster file.
  std::string kind;
  ClusterStore store;
  ProgramChannel::Options channel;
  // The time for all agents to accept connections once the program has made the nodes.
  std::chrono::seconds readyTime{120};
  // Empty: nodeagent, where findProgram finds it.
  std::string agentProgram;
};

// Clusters of kOwned end with this object. When its process is killed, the program ends them.
class ProgramProvisioner : public Provisioner, public MachineControl {
 public:
  explicit ProgramProvisioner(ProgramOptions options);
  ~ProgramProvisioner() override;
  ProgramProvisioner(const ProgramProvisioner&) = delete;
  ProgramProvisioner& operator=(const ProgramProvisioner&) = delete;

  // Starts the program. Throws ProvisionError.
  const ProgramDescription& description();

  // Lets the program look at a plan. Throws ClusterFileError if it cannot be.
  void checkPlan(const ClusterPlan& plan);

  Examination examine(const ClusterPlan& plan) override;
  ClusterDescription up(const ClusterPlan& plan, Tenure tenure) override;
  ClusterDescription find(const std::string& cluster) override;
  ClusterWishes wishes(const std::string& cluster) override;
  void down(const std::string& cluster) override;
  std::vector<ClusterEntry> list() override;
  ClusterState state(const std::string& cluster) override;
  std::vector<NodeEvent> history(const std::string& cluster) override;
  std::vector<std::string> differences(const ClusterPlan& plan) override;
  std::vector<std::string> collect() override;
  MachineControl* machineControl() override;

  void freeze(const std::string& cluster, const std::string& node) override;
  void thaw(const std::string& cluster, const std::string& node) override;
  void powerOff(const std::string& cluster, const std::string& node) override;
  PowerBefore powerOn(const std::string& cluster, const std::string& node) override;

 private:
  ProgramChannel& channel();
  // Asks about a plan; a complaint has its place in the file.
  ProtocolJson askAbout(const ClusterPlan& plan, ProtocolJson request,
                        const ProgramChannel::Watcher& watcher = {});
  // Asks the program to act on a cluster that is up. Throws as find() does.
  ProtocolJson order(const std::string& verb, const std::string& cluster, const std::string& node);
  // Returns the record of a cluster that is up; throws as find() does.
  ClusterRecord recordOf(const std::string& cluster);
  void claim(ClusterRecord& record, const std::vector<AgentFile>& files);
  ClusterDescription make(const ClusterPlan& plan, const ClusterIdentity& identity,
                          ClusterRecord& record);
  void note(ClusterRecord& record, const ProtocolJson& line, UpProgress& progress);
  void addState(const std::string& cluster, NodeEvent event, UpProgress& progress);
  void awaitAgents(const ClusterDescription& cluster, UpProgress& progress);
  void awaitEndOf(const ClusterRecord& record) const;
  // Lets the program remove what is there, and forgets the cluster.
  void remove(const ClusterRecord& record);
  static std::string differencesText(const ClusterRecord& made, const ClusterRecord& wanted);

  ProgramOptions options_;
  std::unique_ptr<ProgramChannel> channel_;
  // The clusters of kOwned that this object has made.
  std::set<std::string> owned_;
};

// Returns the keys of a kind as its program describes them. They check a plan by `provisioner`,
// which must outlive them.
KindKeys keysOf(ProgramProvisioner& provisioner);

}  // namespace harness
