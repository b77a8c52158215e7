// The files and groups of a cluster on this machine, and their collection when its hub is gone. The
// nodes themselves are in node.h.
//
//   /run/muster/CLUSTER/        locked by the living hub, whose files nobody else touches
//     intent.json               the nodes that will be made; written before any of them
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

  // Empty where there is no cgroup2.
  std::string group(const std::string& name) const;

  std::string cluster;
  std::string run;
  std::string data;

  // Empty where there is no cgroup2.
  std::string groups;
  std::string control;
};

// The directories of a cluster as they are when this object is made. Somebody may delete them, and
// another cluster may have the name then.
class ClusterDirectories {
 public:
  // Throws SystemError unless both are there.
  explicit ClusterDirectories(const std::string& cluster);

  // False once one of them has its name no more.
  bool areThere() const;

  // Calls removeEverything() as far as the cluster still has its name. What has become another's
  // is left alone.
  void remove() const;

 private:
  enum class State { kThere, kGone, kAnothers };
  static State stateOf(const Fd& directory, const std::string& path);

  ClusterPaths paths_;
  // They keep the directories' inodes from being another's.
  Fd run_;
  Fd data_;
};

// Holds the lock of a cluster's directory, which proves that its hub lives. Makes the directory if
// it is missing.
class ClusterLock {
 public:
  // Returns nothing if another process holds the lock.
  static std::optional<ClusterLock> tryTake(const std::string& cluster);

 private:
  explicit ClusterLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

struct HubProcess {
  pid_t pid = 0;
  uint64_t startTime = 0;
};

// Returns the names of clusters with files on this machine, living or not.
std::vector<std::string> clustersPresent();

// True for at most 32 letters, digits, '-', '_' and '.', the first a letter or digit.
bool isPlainClusterName(const std::string& name);

// Returns the directory of a cluster below /run/muster.
std::string runDirectoryOf(const std::string& cluster);

enum class HubLife {
  kLives,
  kGone,
  // We may not look into the cluster's directory.
  kHidden
};
HubLife hubLife(const std::string& cluster);
// Whether it is known to live.
bool hubLives(const std::string& cluster);
std::optional<HubProcess> hubProcessOf(const std::string& cluster);

// Records the nodes that will be made. Call it with the lock held, before the first node.
void writeIntent(const std::string& cluster, const std::vector<std::string>& nodes);
void recordHub(const std::string& cluster);
void recordNode(const std::string& cluster, const std::string& node, pid_t pid);

// Ends and removes everything that is tagged as this cluster's, the lock's directory last. Call it
// with the lock held. Throws HubError if something does not go.
void removeEverything(const std::string& cluster);

// True if something that is not a cluster's is where the cluster's data would be.
bool dataIsForeign(const std::string& cluster);

// Collects one cluster if no hub lives in it. True if there was something to collect.
bool collectCluster(const std::string& cluster);

}  // namespace harness
