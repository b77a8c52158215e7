// Names and labels by which containers and networks are known as those of a cluster, whatever was
// killed. Each has its labels from the moment that it exists.
#pragma once

#include <string>
#include <vector>

namespace harness {

inline constexpr char kOwnerLabel[] = "muster.owner";
inline constexpr char kClusterLabel[] = "muster.cluster";
inline constexpr char kNodeLabel[] = "muster.node";
// The directory of the cluster: two users of one podman may have clusters of one name.
inline constexpr char kDirectoryLabel[] = "muster.directory";

struct ClusterMark {
  std::string cluster;
  std::string directory;
  // Empty where it is not known: it is no part of what marks a cluster.
  std::string owner;
};

// Returns the options that give a new thing its labels.
std::vector<std::string> labelOptions(const ClusterMark& mark);

// Returns the options by which podman lists what belongs to a cluster.
std::vector<std::string> filterOptions(const ClusterMark& mark);

// No node's name has "_", so that no two nodes of two clusters have one name.
std::string containerName(const std::string& cluster, const std::string& node);
std::string networkName(const std::string& cluster);

}  // namespace harness
