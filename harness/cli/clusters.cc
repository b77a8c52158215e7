#include "harness/cli/clusters.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/cli/command_error.h"
#include "harness/cluster/node_expression.h"
#include "harness/cluster/selection.h"
#include "harness/provision/choice.h"
#include "harness/provision/kinds.h"

namespace harness {
namespace {

void requireReadable(const std::string& path) {
  if (::access(path.c_str(), R_OK) == 0) return;
  throw CommandError(kExitNoInput, path + ": cannot be read: " + std::strerror(errno));
}

ExistingCluster found(const std::string& option) {
  std::string text = clusterText(option);
  if (text.empty()) return chooseOnlyCluster();
  if (looksLikeFile(text)) requireReadable(text);
  Choice choice = chooseCluster(text);
  if (auto* existing = std::get_if<ExistingCluster>(&choice)) return std::move(*existing);
  ClusterToMake& absent = std::get<ClusterToMake>(choice);
  if (absent.foretold) {
    return {std::move(absent.provisioner), *std::move(absent.foretold), absent.plan.wishes};
  }
  throw ChoiceError(ChoiceError::Kind::kNone,
                    absent.reason + "; make it with \"muster up " + text + "\"");
}

}  // namespace

ClusterPlan planOf(const std::string& path) {
  requireReadable(path);
  return readPlan(path);
}

ClusterDescription clusterOf(const std::string& option) {
  return found(option).description;
}

ClusterWishes wishesOf(const std::string& option) {
  return found(option).wishes;
}

std::string whyGone(const std::string& option, const std::string& name) {
  try {
    if (clusterOf(option).name == name) return "";
  } catch (const ChoiceError& error) {
    if (error.kind() != ChoiceError::Kind::kNone) return "";
  } catch (const std::exception&) {
    // It cannot be told now, for want of descriptors for instance.
    return "";
  }
  return "cluster \"" + name + "\" is not up any more";
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

std::string nodeNames(const ClusterPlan& plan) {
  std::vector<std::string> names;
  for (const NodePlan& node : plan.nodes) names.push_back(node.name);
  return foldNodeNames(names);
}

}  // namespace harness
