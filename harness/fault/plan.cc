#include "harness/fault/plan.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <muster/node_error.h>

#include "harness/values/failure_text.h"

namespace harness::fault {
namespace {

using muster::NodeError;

constexpr double kLossMin = 0.01;
constexpr uint64_t kBitsPerSecondMin = 8'000;
constexpr uint64_t kBitsPerSecondMax = 100'000'000'000;
constexpr std::chrono::seconds kDelayMax{60};
// Bounds the nodes from which one receiver is probed, and so the probes of a big cluster.
constexpr size_t kSendersProbedMax = 8;

[[noreturn]] void refuse(const Shape& shape, const std::string& why,
                         NodeError::Kind kind = NodeError::Kind::kInvalid) {
  throw NodeError(kind, "", toString(shape), why);
}

// A ring of fewer has no majorities that differ and are seen from both sides.
constexpr size_t kRingNodesMin = 4;

bool isNearInRing(const Shape& shape, size_t group, size_t other) {
  size_t apart = group > other ? group - other : other - group;
  return std::min(apart, shape.groups.size() - apart) <= shape.ringReach;
}

// The nodes whose packets `group` does not get.
std::vector<std::string> sendersFor(const Shape& shape, size_t group) {
  std::vector<std::string> senders;
  for (size_t other = 0; other < shape.groups.size(); ++other) {
    if (other == group || (shape.isOneWay && (group == 0 || other > 0))) continue;
    if (shape.ringReach > 0 && isNearInRing(shape, group, other)) continue;
    senders.insert(senders.end(), shape.groups[other].begin(), shape.groups[other].end());
  }
  return senders;
}

const std::vector<std::string>& addressesOf(const Addresses& all, const std::string& node) {
  static const std::vector<std::string> kNone;
  auto found = all.find(node);
  return found == all.end() ? kNone : found->second;
}

bool isLinkLocal(const std::string& address) {
  return address.rfind("fe80:", 0) == 0;
}

void addProbes(Plan& plan, const Part& part, const Addresses& probed) {
  size_t senders = 0;
  for (const std::string& sender : part.peers) {
    if (senders++ == kSendersProbedMax) break;
    for (const std::string& address : addressesOf(probed, part.node)) {
      if (!isLinkLocal(address)) plan.probes.push_back({sender, part.node, address});
    }
  }
}

}  // namespace

Shape partition(std::vector<std::vector<std::string>> groups) {
  return {"partition", std::move(groups)};
}

Shape isolate(const std::string& victim, std::vector<std::string> others) {
  return {"isolate", {{victim}, std::move(others)}};
}

Shape oneWay(const std::string& from, const std::string& to) {
  return {"one-way", {{from}, {to}}, true};
}

Shape majorityRing(const std::vector<std::string>& nodes) {
  Shape shape{"ring", {}};
  for (const std::string& node : nodes) shape.groups.push_back({node});
  // As many neighbours on each side as a majority takes, rounded up.
  shape.ringReach = (nodes.size() / 2 + 1) / 2;
  return shape;
}

Shape bridge(std::vector<std::string> left, const std::string& middle,
             std::vector<std::string> right) {
  Shape shape{"bridge", {std::move(left), std::move(right)}};
  shape.middle = middle;
  return shape;
}

Shape degrade(const std::string& node) {
  return {"degrade", {{node}}};
}

std::string toString(const Shape& shape) {
  std::vector<std::string> groups;
  for (const auto& group : shape.groups) groups.push_back(joined(group, ","));
  if (shape.title == "isolate" && !groups.empty()) return "isolate " + groups.front();
  if (shape.title == "ring") return "ring " + joined(groups, ",");
  if (!shape.middle.empty()) groups.insert(groups.begin() + 1, shape.middle);
  return shape.title + " " + joined(groups, shape.isOneWay ? " to " : " / ");
}

std::vector<std::string> nodesOf(const Shape& shape) {
  std::vector<std::string> nodes;
  for (const auto& group : shape.groups) nodes.insert(nodes.end(), group.begin(), group.end());
  if (!shape.middle.empty()) nodes.push_back(shape.middle);
  return nodes;
}

void check(const Shape& shape, const muster::FaultOptions& options) {
  if (shape.title == "ring" && shape.groups.size() < kRingNodesMin) {
    refuse(shape, "a ring of majorities takes four nodes at least, and this has " +
                      std::to_string(shape.groups.size()));
  }
  if (shape.groups.size() < 2) refuse(shape, "there must be two groups of nodes at least");
  std::set<std::string> seen;
  if (!shape.middle.empty()) seen.insert(shape.middle);
  for (const auto& group : shape.groups) {
    if (group.empty()) {
      refuse(shape, shape.title == "isolate" ? "there is no other node to cut it off from"
                                             : "a group has no node");
    }
    for (const std::string& node : group) {
      if (!seen.insert(node).second) {
        refuse(shape, "node " + node + " is named twice; groups must not overlap");
      }
    }
  }
  if (!(options.loss >= kLossMin && options.loss <= 1)) {
    refuse(shape, "loss: " + std::to_string(options.loss) + " is not between 0.01 and 1");
  }
}

void check(const Shape& shape, const muster::Degradation& degradation) {
  auto require = [&](bool isRight, const char* what) {
    if (!isRight) refuse(shape, what);
  };
  const auto& [rate, delay, jitter, duplicate, reorder, corrupt] = degradation;
  require(rate == 0 || (rate >= kBitsPerSecondMin && rate <= kBitsPerSecondMax),
          "bitsPerSecond: it is not between 8 kbit/s and 100 Gbit/s");
  for (auto time : {delay, jitter}) {
    require(time >= time.zero() && time <= kDelayMax, "delay and jitter: not between 0 and 60 s");
  }
  for (double share : {duplicate, reorder, corrupt}) {
    require(share >= 0 && share <= 1, "duplicate, reorder and corrupt: not between 0 and 1");
  }
  bool hasDelay = delay > delay.zero();
  require(hasDelay || (jitter == jitter.zero() && reorder == 0),
          "jitter and reorder: they need a delay");
  require(rate > 0 || hasDelay || duplicate > 0 || corrupt > 0, "nothing is asked for");
}

Addresses withoutShared(const Addresses& all) {
  std::map<std::string, size_t> owners;
  for (const auto& [node, addresses] : all) {
    for (const std::string& address : std::set<std::string>(addresses.begin(), addresses.end())) {
      ++owners[address];
    }
  }
  Addresses own;
  for (const auto& [node, addresses] : all) {
    auto& kept = own[node];
    std::copy_if(addresses.begin(), addresses.end(), std::back_inserter(kept),
                 [&](const std::string& address) { return owners[address] == 1; });
  }
  return own;
}

Plan planOf(const NodeEffect& effect, const std::vector<std::string>& nodes) {
  Plan plan{{titleOf(effect), {nodes}}, {}, {}, {}};
  plan.effect = effect;
  if (nodes.empty()) refuse(plan.shape, "there is no node");
  for (const std::string& node : std::set<std::string>(nodes.begin(), nodes.end())) {
    plan.parts.push_back({node, {}, {}});
  }
  if (plan.parts.size() < nodes.size()) refuse(plan.shape, "a node is named twice");
  check(effect);
  return plan;
}

std::string toString(const Plan& plan) {
  return toString(plan.shape) + (plan.effect ? ": " + toString(*plan.effect) : "");
}

Plan planOf(const Shape& shape, const muster::FaultOptions& options, const Addresses& all,
            const Addresses& probed) {
  check(shape, options);
  Plan plan{shape, options, {}, {}};
  for (size_t group = 0; group < shape.groups.size(); ++group) {
    std::vector<std::string> senders = sendersFor(shape, group);
    if (senders.empty()) continue;
    for (const std::string& node : shape.groups[group]) {
      Part part{node, {}, senders};
      for (const std::string& sender : senders) {
        const auto& addresses = addressesOf(all, sender);
        if (addresses.empty()) {
          refuse(shape, "node " + sender + " has no address of its own by which it can be told",
                 NodeError::Kind::kUnsupported);
        }
        part.addresses.insert(part.addresses.end(), addresses.begin(), addresses.end());
      }
      addProbes(plan, part, probed);
      plan.parts.push_back(std::move(part));
    }
  }
  return plan;
}

}  // namespace harness::fault
