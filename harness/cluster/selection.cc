#include "harness/cluster/selection.h"

#include <algorithm>
#include <set>

#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

bool isIn(const NodeDescription& node, const std::string& group) {
  if (group == "*" || node.role == group) return true;
  size_t equals = group.find('=');
  auto label = node.labels.find(group.substr(0, equals));
  if (label == node.labels.end()) return false;
  return equals == std::string::npos || label->second == group.substr(equals + 1);
}

}  // namespace

std::vector<std::string> selectNodes(const ClusterDescription& cluster, const std::string& set) {
  NodeGroups groups =
      [&cluster](const std::string& group) -> std::optional<std::vector<std::string>> {
    std::vector<std::string> members;
    for (const NodeDescription& node : cluster.nodes) {
      if (isIn(node, group)) members.push_back(node.name);
    }
    if (members.empty()) return std::nullopt;
    return members;
  };
  std::vector<std::string> names = expandNodeExpression(set, groups);
  std::vector<std::string> known;
  for (const NodeDescription& node : cluster.nodes) known.push_back(node.name);
  std::set<std::string> wanted(names.begin(), names.end());
  std::erase_if(known, [&wanted](const std::string& name) { return wanted.count(name) == 0; });
  if (known.size() == wanted.size()) return known;
  std::vector<std::string> all;
  for (const NodeDescription& node : cluster.nodes) all.push_back(node.name);
  for (const std::string& name : names) {
    if (std::find(all.begin(), all.end(), name) != all.end()) continue;
    // The name may be written out, or made by a range.
    size_t position = set.find(name);
    if (all.size() > 20) all = {foldNodeNames(all)};
    std::string hint = support::suggestion(name, all);
    throw NodeExpressionError(position == std::string::npos ? 0 : position,
                              "there is no node \"" + name + "\"" + hint);
  }
  return known;
}

std::vector<std::string> selectNodes(const ClusterPlan& plan, const Setting& set) {
  ClusterDescription described;
  for (const NodePlan& node : plan.nodes) {
    described.nodes.push_back({node.name, node.role, node.labels, {}, {}});
  }
  try {
    return selectNodes(described, set.text());
  } catch (const NodeExpressionError& error) {
    set.failAt(error.position(), "node set \"" + set.text() + "\": " + error.what());
  }
}

}  // namespace harness
