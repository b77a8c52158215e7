#include "harness/provision/plan_differences.h"

#include "harness/cluster/node_expression.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr size_t kDifferencesMax = 8;
constexpr size_t kValueBytesMax = 200;

std::string shown(const std::string& value) {
  return support::printable(support::beginningOf(value, kValueBytesMax)) +
         (value.size() > kValueBytesMax ? "…" : "");
}

// Returns the value of each key that differs, as a text.
std::vector<std::string> changesOf(const PlanValues::Values& made,
                                   const PlanValues::Values& wanted) {
  std::vector<std::string> changes;
  for (const auto& [key, value] : wanted) {
    auto before = made.find(key);
    // A muster that does not know the key yet has made the cluster.
    if (before == made.end() || before->second == value) continue;
    changes.push_back(key + " was " + shown(before->second) + ", is " + shown(value));
  }
  return changes;
}

}  // namespace

std::string labelsText(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [name, value] : labels) text += (text.empty() ? "" : ", ") + name + ": " + value;
  return "[" + text + "]";
}

std::vector<std::string> differencesBetween(const PlanValues& made, const PlanValues& wanted) {
  std::map<std::string, std::vector<std::string>> nodesOf;
  for (const auto& [node, values] : wanted.nodes) {
    auto before = made.nodes.find(node);
    if (before == made.nodes.end()) {
      nodesOf["not up"].push_back(node);
      continue;
    }
    for (const std::string& change : changesOf(before->second, values)) {
      nodesOf[change].push_back(node);
    }
  }
  for (const auto& [node, values] : made.nodes) {
    if (!wanted.nodes.contains(node)) nodesOf["up, and not in the file"].push_back(node);
  }
  std::vector<std::string> all = changesOf(made.cluster, wanted.cluster);
  for (const auto& [change, nodes] : nodesOf) all.push_back(foldNodeNames(nodes) + ": " + change);
  if (all.size() <= kDifferencesMax) return all;
  size_t rest = all.size() - (kDifferencesMax - 1);
  all.resize(kDifferencesMax - 1);
  all.push_back("and " + std::to_string(rest) + " more");
  return all;
}

}  // namespace harness
