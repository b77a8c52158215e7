// What belongs to a cluster on this machine, where it is, and how it is collected when its hub is
// gone.
//
//   /run/muster/CLUSTER/        locked by the living hub: nobody else touches what it names
//     intent.json               what will be made; written before anything is made
//     hub.json                  the hub's process
//     control.sock  tls/        for the clients
//     n/NODE/                   visible in the node as /run/muster: the agent's socket
//   /var/lib/muster/CLUSTER/    disks/NODE: overlay upper and console log
//   CGROUP/muster/CLUSTER/NODE  the processes of the node
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/os/fd.h"

namespace harness {

struct ClusterPaths {
  explicit ClusterPaths(const std::string& name);

  std::string node(const std::string& name) const { return run + "/n/" + name; }
  std::string disk(const std::string& name) const { return disks() + "/" + name; }
  std::string disks() const { return data + "/disks"; }
  std::string group(const std::string& name) const;  // Empty where there is no cgroup2.

  std::string cluster;
  std::string run;
  std::string data;
  std::string groups;  // Empty where there is no cgroup2.
  std::string control;
};

// Holds the lock of a cluster's directory: the proof that its hub lives. Makes the directory if
// need be.
class ClusterLock {
 public:
  // Nothing if another process holds it.
  static std::optional<ClusterLock> tryTake(const std::string& cluster);

 private:
  explicit ClusterLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

struct HubProcess {
  pid_t pid = 0;
  uint64_t startTime = 0;
};

// Names of the clusters with something on this machine, living or not.
std::vector<std::string> clustersPresent();

// At most 32 letters, digits, '-', '_' and '.', the first a letter or digit.
bool isPlainClusterName(const std::string& name);

// The directory of a cluster below /run/muster.
std::string runDirectoryOf(const std::string& cluster);

enum class HubLife {
  kLives,
  kGone,
  // The cluster's directory is not ours to look into.
  kHidden
};
HubLife hubLife(const std::string& cluster);
// Whether it is known to live.
bool hubLives(const std::string& cluster);
std::optional<HubProcess> hubProcessOf(const std::string& cluster);

// Records what will be made. Call with the lock held, before the first node.
void writeIntent(const std::string& cluster, const std::vector<std::string>& nodes);
void recordHub(const std::string& cluster);
void recordNode(const std::string& cluster, const std::string& node, pid_t pid);

// Ends and removes everything that is tagged as this cluster's. Call with the lock held; removes
// the lock's directory last. Throws HubError if something will not go.
void removeEverything(const std::string& cluster);

// Collects one cluster if no hub lives in it. True if there was something to collect.
bool collectCluster(const std::string& cluster);

}  // namespace harness
