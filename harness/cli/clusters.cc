#include "harness/cli/clusters.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "harness/cli/command_error.h"
#include "harness/cluster/cluster_file.h"
#include "harness/cluster/node_expression.h"
#include "harness/cluster/selection.h"
#include "harness/provision/error.h"
#include "harness/provision/local/local.h"
#include "harness/provision/static/static.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

std::vector<std::string> livingNames() {
  std::vector<std::string> names;
  for (const LocalClusterState& cluster : localClusters()) {
    if (cluster.lives) names.push_back(cluster.name);
  }
  return names;
}

std::string chosen(const std::string& choice) {
  if (!choice.empty()) return choice;
  const char* environment = std::getenv("MUSTER_CLUSTER");
  return environment == nullptr ? "" : environment;
}

// The clusters that stay up until `down`. One that a running test program made for itself is not
// meant by a command that names none, nor is one that ends while it is asked.
std::vector<std::string> standingNames() {
  std::vector<std::string> names;
  LocalProvisioner local;
  for (const std::string& name : livingNames()) {
    try {
      if (!local.owned(name)) names.push_back(name);
    } catch (const ProvisionError&) {
      continue;
    }
  }
  return names;
}

// The only cluster that is up. Empty if none is.
std::string onlyOne() {
  std::vector<std::string> names = standingNames();
  if (names.empty()) return "";
  if (names.size() == 1) return names[0];
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  throw CommandError(kExitUnavailable, "several clusters are up; choose with --cluster: " + list);
}

}  // namespace

bool looksLikeFile(const std::string& text) {
  return text.find('/') != std::string::npos || text.ends_with(".yaml") || text.ends_with(".yml");
}

ClusterPlan readPlan(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) {
    throw CommandError(kExitNoInput, path + ": cannot be read: " + std::strerror(errno));
  }
  return readClusterFile(path);
}

ClusterDescription chooseCluster(const std::string& choice) {
  std::string name = chosen(choice);
  if (looksLikeFile(name)) {
    ClusterPlan plan = readPlan(name);
    if (plan.provisioner == "static") return describeStatic(plan);
    name = plan.name;
  }
  if (name.empty()) name = onlyOne();
  if (name.empty()) {
    std::string hint = ::geteuid() == 0 ? "" : ", as far as a user other than root can see";
    hint += "; make one with \"muster up FILE\"";
    if (!localClusters().empty()) {
      hint += "; a killed one has left files, which \"muster down\" removes";
    }
    throw CommandError(kExitUnavailable, "no cluster is up" + hint);
  }
  LocalProvisioner local;
  try {
    return local.find(name);
  } catch (const ProvisionError& error) {
    std::vector<std::string> names = livingNames();
    throw CommandError(
        kExitUnavailable,
        error.what() + (names.empty() ? "; none is up" : support::suggestion(name, names)));
  }
}

std::vector<NodeDescription> chooseNodes(const ClusterDescription& cluster,
                                         const std::string& set) {
  std::vector<std::string> names;
  try {
    names = selectNodes(cluster, set);
  } catch (const NodeExpressionError& error) {
    throw CommandError(kExitData, "node set \"" + set + "\", column " +
                                      std::to_string(error.position() + 1) + ": " + error.what());
  }
  if (names.empty()) throw CommandError(kExitData, "node set \"" + set + "\" is empty");
  std::vector<NodeDescription> picked;
  for (const NodeDescription& node : cluster.nodes) {
    if (std::find(names.begin(), names.end(), node.name) != names.end()) picked.push_back(node);
  }
  return picked;
}

std::string chooseLocalName(const std::string& choice) {
  std::string name = chosen(choice);
  if (looksLikeFile(name)) name = readPlan(name).name;
  return name.empty() ? onlyOne() : name;
}

std::string nodeNames(const ClusterPlan& plan) {
  std::vector<std::string> names;
  for (const NodePlan& node : plan.nodes) names.push_back(node.name);
  return foldNodeNames(names);
}

void requireRoot() {
  if (::geteuid() == 0) return;
  throw CommandError(kExitNoPermission,
                     "local clusters belong to root; run it as root or through sudo");
}

}  // namespace harness
