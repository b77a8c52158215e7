// ClusterStore keeps what is known of the clusters that programs have made for a user: their plans,
// certificates and descriptions. It is a directory, in which each cluster is one of its own.
//
//   ~/.local/state/muster/clusters/      0700; $MUSTER_STATE_DIR/clusters where that is set
//     CLUSTER/
//       cluster.json                     a ClusterRecord
//       tls/                             the controller's certificate and key
//       states.jsonl                     the states of its nodes, with their times
//
// A directory of a cluster is made before anything of the cluster, and removed when nothing is left
// of it. Files are replaced as a whole.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "harness/os/process_mark.h"
#include "harness/provision/agent_files.h"
#include "harness/provision/program/words.h"
#include "harness/provision/provisioner.h"

namespace harness {

struct ClusterRecord {
  enum class Phase { kBeingMade, kUp };

  std::string name;
  std::string kind;
  Tenure tenure = Tenure::kStanding;
  Phase phase = Phase::kBeingMade;
  // The process that makes or owns the cluster, and the program that it has started for it.
  ProcessMark maker;
  ProcessMark program;
  // As toJson(ClusterPlan) made it.
  ProtocolJson plan;
  // As toJson(ClusterWishes) made it.
  ProtocolJson wishes;
  // Whatever the program had kept.
  ProtocolJson kept;
  // As toJson(ClusterDescription) made it; null until the cluster is up.
  ProtocolJson description;
};

// Says whether a process keeps the cluster, or nobody has to.
ClusterEntry::Life lifeOf(const ClusterRecord& record);

class ClusterStore {
 public:
  // The store of this user. Nothing is made.
  ClusterStore();
  explicit ClusterStore(std::string directory) : directory_(std::move(directory)) {}

  const std::string& directory() const { return directory_; }

  // Returns a word that names this store among those of all users and machines, made at the first
  // call: "host-0123456789ab". Throws SystemError.
  std::string owner() const;

  // Makes the directory of a new cluster, with `files`, and its record. False: there is one of this
  // name. Throws SystemError.
  bool add(const ClusterRecord& record, const std::vector<AgentFile>& files);

  // Says whether there ever was a cluster of this kind in the store.
  bool hasHad(const std::string& kind) const;

  // Replaces the record of a cluster. Throws SystemError.
  void put(const ClusterRecord& record);

  // nullopt: there is none. Throws ProvisionError for a record that is damaged or of a later
  // Muster.
  std::optional<ClusterRecord> find(const std::string& cluster) const;

  // Returns the names of all clusters, sorted.
  std::vector<std::string> names() const;

  // A cluster that is not there is no error.
  void remove(const std::string& cluster);

  // The directory of a cluster, and that of its certificates.
  std::string directoryOf(const std::string& cluster) const { return directory_ + "/" + cluster; }
  std::string tlsDirectory(const std::string& cluster) const;

  // A state that a node was in, as its program said.
  void addState(const std::string& cluster, const NodeEvent& event);
  // Returns them in their order. A line that was cut is left out.
  std::vector<NodeEvent> states(const std::string& cluster) const;

 private:
  std::string directory_;
};

}  // namespace harness
