#include "harness/cli/node_prospect.h"

#include <algorithm>
#include <set>
#include <variant>

#include "harness/provision/choice.h"
#include "harness/provision/error.h"
#include "harness/provision/kinds.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

using selection::ListedNeeds;

constexpr char kCapabilitiesKey[] = "capabilities";

template <typename Nodes>
RoleCounts countsOf(const Nodes& nodes) {
  RoleCounts counts;
  for (const auto& node : nodes) ++counts[node.role];
  return counts;
}

RoleCounts mostOf(const std::vector<ListedNeeds>& all) {
  RoleCounts most;
  for (const ListedNeeds& needs : all) {
    for (const auto& [role, count] : needs.nodes) most[role] = std::max(most[role], count);
  }
  return most;
}

// The settings that matter for what this machine must have.
ClusterPlan planOf(const std::vector<ListedNeeds>& all) {
  ClusterPlan plan;
  plan.name = "plan";
  plan.provisioner = defaultKind().name;
  for (const auto& [role, count] : mostOf(all)) {
    bool isSystemd = std::any_of(all.begin(), all.end(), [&role = role](const ListedNeeds& needs) {
      return needs.isSystemd && needs.nodes.contains(role);
    });
    for (int number = 1; number <= count; ++number) {
      NodePlan node;
      node.name = role + std::to_string(number);
      node.role = role;
      if (isSystemd) node.settings["init"] = Setting("init", "systemd");
      plan.nodes.push_back(node);
    }
  }
  return plan;
}

}  // namespace

std::string rolesText(const RoleCounts& nodes) {
  std::vector<std::string> parts;
  for (const auto& [role, count] : nodes) parts.push_back(role + " " + std::to_string(count));
  return joined(parts, ", ");
}

NodeProspect::NodeProspect(const std::string& option) {
  std::string cluster = clusterText(option);
  if (cluster.empty()) return;
  cluster_.emplace();
  clusterName_ = cluster;
  origin_ = "cluster " + cluster;
  try {
    choose(cluster);
  } catch (const ChoiceError& error) {
    obstacle_ = error.what();
  } catch (const ProvisionError& error) {
    obstacle_ = error.what();
  }
}

void NodeProspect::choose(const std::string& cluster) {
  Choice choice = chooseCluster(cluster);
  if (const auto* existing = std::get_if<ExistingCluster>(&choice)) {
    clusterName_ = existing->description.name;
    origin_ = "cluster " + clusterName_ + ", which is up";
    cluster_ = countsOf(existing->description.nodes);
    return;
  }
  const auto& absent = std::get<ClusterToMake>(choice);
  clusterName_ = absent.plan.name;
  cluster_ = countsOf(absent.plan.nodes);
  origin_ = "cluster " + clusterName_ + " of " + cluster;
  if (absent.foretold) return;
  origin_ += ", made for each program";
  Examination machine = absent.provisioner->examine(absent.plan);
  degraded_ = machine.degraded;
  if (!machine.missing.empty()) {
    obstacle_ = "the nodes cannot be made here; missing: " + joined(machine.missing, "; ");
  }
}

ProgramNodes NodeProspect::nodesFor(const std::vector<ListedNeeds>& needs) const {
  if (cluster_) return {.nodes = *cluster_, .obstacle = obstacle_, .degraded = degraded_};
  ClusterPlan plan = planOf(needs);
  if (plan.nodes.empty()) return {};
  Examination machine = makeProvisioner(plan.provisioner)->examine(plan);
  ProgramNodes nodes{.nodes = mostOf(needs), .degraded = machine.degraded};
  if (!machine.missing.empty()) {
    nodes.obstacle = "its nodes cannot be made here; missing: " + joined(machine.missing, "; ");
  }
  return nodes;
}

std::string NodeProspect::whyUnmet(const ListedNeeds& needs) const {
  if (!cluster_) {
    for (const std::string& capability : needs.capabilities) {
      if (!canHave(defaultKind(), Setting(kCapabilitiesKey, std::vector{capability}))) {
        return "needs capability " + capability + ", which nodes that are made for it do not have";
      }
    }
    return "";
  }
  if (!obstacle_.empty()) return "";
  for (const auto& [role, count] : needs.nodes) {
    auto found = cluster_->find(role);
    int has = found == cluster_->end() ? 0 : found->second;
    if (has >= count) continue;
    return "needs " + std::to_string(count) + " nodes of role " + inQuotes(role) + ", cluster " +
           inQuotes(clusterName_) + " has " + std::to_string(has);
  }
  return "";
}

std::vector<std::string> NodeProspect::unknownOf(const ListedNeeds& needs) const {
  std::vector<std::string> unknown;
  if (needs.nodes.empty()) return unknown;
  if (cluster_) {
    if (needs.isSystemd) unknown.emplace_back("systemd");
    for (const std::string& capability : needs.capabilities) {
      unknown.push_back("capability " + capability);
    }
  }
  for (const std::string& ability : needs.abilities) unknown.push_back(ability);
  if (needs.memoryBytes > 0) unknown.emplace_back("memory");
  return unknown;
}

}  // namespace harness
