#include "harness/provision/podman/podman_marks.h"

namespace harness {
namespace {

std::string labelText(const char* name, const std::string& value) {
  return std::string(name) + "=" + value;
}

}  // namespace

std::vector<std::string> labelOptions(const ClusterMark& mark) {
  return {"--label", labelText(kOwnerLabel, mark.owner),
          "--label", labelText(kClusterLabel, mark.cluster),
          "--label", labelText(kDirectoryLabel, mark.directory)};
}

std::vector<std::string> filterOptions(const ClusterMark& mark) {
  return {"--filter", "label=" + labelText(kClusterLabel, mark.cluster), "--filter",
          "label=" + labelText(kDirectoryLabel, mark.directory)};
}

std::string containerName(const std::string& cluster, const std::string& node) {
  return networkName(cluster) + "_" + node;
}

std::string networkName(const std::string& cluster) {
  return "muster_" + cluster;
}

}  // namespace harness
