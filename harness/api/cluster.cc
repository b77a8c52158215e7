#include <iostream>
#include <optional>
#include <ostream>
#include <set>
#include <utility>

#include <muster/cluster.h>

#include "harness/api/access.h"
#include "harness/api/call_site.h"
#include "harness/cluster/node_expression.h"
#include "harness/cluster/selection.h"
#include "harness/values/failure_text.h"

namespace muster {

using harness::at;

Frozen::Frozen(std::function<void()> thaw) : thaw_(std::move(thaw)) {}

Frozen::~Frozen() {
  try {
    thaw();
  } catch (const std::exception& error) {
    // A destructor cannot throw it; the provisioner thaws at the end of this program.
    std::cerr << "muster: " << error.what() << "\n";
  }
}

void Frozen::thaw() {
  if (auto thaw = std::exchange(thaw_, nullptr)) thaw();
}

Cluster::Cluster(harness::ClusterParts parts)
    : parts_(std::make_unique<const harness::ClusterParts>(std::move(parts))) {
  std::vector<Node*> nodes;
  for (harness::ControllerNode* node : parts_->nodes) {
    owned_.push_back(harness::ApiAccess::newNode(*node));
    nodes.push_back(owned_.back().get());
  }
  all_ = NodeSet(nodes);
  present_ = all_;
  sync_ = std::make_unique<harness::rpc::Sync>(parts_->nodes);
}

Cluster::~Cluster() = default;

const std::string& Cluster::name() const {
  return parts_->description.name;
}
const NodeSet& Cluster::nodes() const {
  return present_;
}

namespace {

template <typename Predicate>
NodeSet filtered(const NodeSet& nodes, Predicate predicate) {
  std::vector<Node*> chosen;
  for (Node& node : nodes) {
    if (predicate(node)) chosen.push_back(&node);
  }
  return NodeSet(chosen);
}

NodeSet ofRole(const NodeSet& nodes, const std::string& role) {
  return filtered(nodes, [&](const Node& node) { return node.role() == role; });
}

}  // namespace

NodeSet Cluster::servers() const {
  return ofRole(present_, "server");
}
NodeSet Cluster::clients() const {
  return ofRole(present_, "client");
}

NodeSet Cluster::withRole(const std::string& role, Where where) const {
  NodeSet found = ofRole(present_, role);
  if (!found.empty()) return found;
  std::set<std::string> roles;
  for (Node& node : present_) roles.insert(node.role());
  std::string list = harness::joined({roles.begin(), roles.end()}, ", ");
  throw NodeError(NodeError::Kind::kNotFound, "", "nodes of role " + harness::inQuotes(role),
                  "the cluster has the roles " + list, 0, where);
}

NodeSet Cluster::withLabel(const std::string& label) const {
  return filtered(present_, [&](const Node& node) { return node.labels().contains(label); });
}

NodeSet Cluster::withLabel(const std::string& label, const std::string& value) const {
  return filtered(present_, [&](const Node& node) {
    auto found = node.labels().find(label);
    return found != node.labels().end() && found->second == value;
  });
}

NodeSet Cluster::otherThan(const Node& node) const {
  return present_.without(node);
}

NodeSet Cluster::otherThan(const NodeSet& nodes) const {
  return filtered(present_, [&](const Node& node) { return !nodes.contains(node); });
}

Node& Cluster::node(const std::string& name, Where where) const {
  return all_[NameInSet(name, where)];
}

NodeSet Cluster::select(const std::string& expression, Where where) const {
  try {
    std::vector<Node*> chosen;
    for (const std::string& name : harness::selectNodes(parts_->description, expression)) {
      chosen.push_back(&all_[name]);
    }
    return NodeSet(chosen);
  } catch (const harness::NodeExpressionError& error) {
    throw NodeError(NodeError::Kind::kInvalid, "", "nodes " + harness::inQuotes(expression),
                    error.what(), 0, where);
  }
}

Frozen Cluster::freeze(const Node& node, Where where) {
  return at(where, [&] {
    parts_->machines.freeze(node.name());
    return harness::ApiAccess::frozen(
        [thaw = parts_->machines.thaw, name = node.name()] { thaw(name); });
  });
}

void Cluster::powerOff(const Node& node, Where where) {
  at(where, [&] { parts_->machines.powerOff(node.name()); });
}

void Cluster::powerOn(const Node& node, Where where) {
  bool wasOff = at(where, [&] { return parts_->machines.powerOn(node.name()); });
  at(where, [&] { node.awaitConnected(DeadlineScope::remaining(), where); });
  if (wasOff) harness::ApiAccess::startDaemonsAgain(node, where);
}

// A node that cannot be powered on must not keep the others off, so all are tried first. The loss
// of each connection is waited for, because an old one could pass for that of the new boot.
std::vector<std::string> Cluster::reboot(const NodeSet& nodes, std::chrono::nanoseconds within,
                                         Where where) {
  DeadlineScope scope(within);
  for (Node& node : nodes) powerOff(node, where);
  for (Node& node : nodes) node.awaitDisconnected(DeadlineScope::remaining(), where);
  std::optional<NodeError> failed;
  for (Node& node : nodes) {
    try {
      at(where, [&] { parts_->machines.powerOn(node.name()); });
    } catch (const NodeError& error) {
      if (!failed) failed = error;
    }
  }
  if (failed) throw *failed;
  std::vector<std::string> bootIds;
  std::string absent;
  for (Node& node : nodes) {
    try {
      node.awaitConnected(DeadlineScope::remaining(), where);
    } catch (const NodeError& error) {
      absent += "\n  " + node.name() + ": " + error.detail();
    }
    bootIds.push_back(node.state().bootId);
  }
  if (!absent.empty()) {
    throw NodeError(NodeError::Kind::kUnreachable, "", "reboot",
                    "these did not come back within " + harness::waitText(within) + ":" + absent, 0,
                    where);
  }
  for (Node& node : nodes) harness::ApiAccess::startDaemonsAgain(node, where);
  return bootIds;
}

void PrintTo(const Cluster& cluster, std::ostream* out) {
  *out << "cluster " << cluster.name() << ", ";
  PrintTo(cluster.nodes(), out);
}

void PrintTo(const Frozen& frozen, std::ostream* out) {
  *out << (frozen.holds() ? "a node that stands still" : "a node that was let go on");
}

}  // namespace muster
