// What each node has to do for a network fault, and how it is witnessed: values only. Nothing here
// asks a node.
//
// Packets are dropped where they come in. A cut of both directions is thus two drops, one at each
// end, and neither sender sees an error that a broken network would not give.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <muster/fault_options.h>

#include "harness/fault/node_effect.h"

namespace harness::fault {

// Which nodes do not reach which.
struct Shape {
  // "partition", "isolate", "one-way", "bridge" or "ring".
  std::string title;

  // Names of nodes. Nodes of different groups do not reach each other.
  std::vector<std::vector<std::string>> groups;

  // Only packets from the first group to the others are dropped.
  bool isOneWay = false;

  // The groups stand in a ring, and those that are at most this far apart reach each other. 0: no
  // groups do.
  size_t ringReach = 0;

  // The node of a bridge that reaches both groups. It is in neither.
  std::string middle = {};
};

Shape partition(std::vector<std::vector<std::string>> groups);
Shape isolate(const std::string& victim, std::vector<std::string> others);
Shape oneWay(const std::string& from, const std::string& to);
// Each node reaches a majority of all, itself among them, and no two the same one. Both directions
// between two nodes are cut, or neither.
Shape majorityRing(const std::vector<std::string>& nodes);
// Two halves that do not reach each other, and one node between them that reaches all.
Shape bridge(std::vector<std::string> left, const std::string& middle,
             std::vector<std::string> right);
// What the node sends becomes worse, whoever gets it.
Shape degrade(const std::string& node);

// "partition server1 / server2,server3"
std::string toString(const Shape& shape);

// The nodes of the shape, in its order.
std::vector<std::string> nodesOf(const Shape& shape);

// Throws NodeError kInvalid for fewer than two groups, an empty one, a node that is in two or twice
// in one, a ring of fewer than four, and options out of their range.
void check(const Shape& shape, const muster::FaultOptions& options);

// Throws NodeError kInvalid for values out of their range, and where nothing is asked for.
void check(const Shape& shape, const muster::Degradation& degradation);

// The addresses of nodes by their names.
using Addresses = std::map<std::string, std::vector<std::string>>;

// Returns the addresses without those that several nodes have, such as that of a bridge which every
// machine has: they name no node.
Addresses withoutShared(const Addresses& all);

// One node's part.
struct Part {
  std::string node;
  // Packets from these are dropped.
  std::vector<std::string> addresses;
  // The nodes that have them.
  std::vector<std::string> peers;
  // The degraded node sends by this. Empty for a cut.
  std::string interface = {};
};

// A packet that must not get through.
struct Probe {
  std::string from;
  std::string to;
  std::string address;
};

struct Plan {
  Shape shape;
  muster::FaultOptions options;
  std::vector<Part> parts;
  std::vector<Probe> probes;
  // TCP ports of the nodes' agents, each once: they are never cut.
  std::vector<uint16_t> agentPorts = {};
  // Instead of the drops.
  std::optional<muster::Degradation> degradation = {};
  // Instead of both.
  std::optional<NodeEffect> effect = {};
};

// Returns the plan of an effect on each of these nodes. Throws as check() does.
Plan planOf(const NodeEffect& effect, const std::vector<std::string>& nodes);

// "isolate server1" or "pause server1,server2: processes named kvd"
std::string toString(const Plan& plan);

// `probed` are the addresses by which nodes reach each other; `all` are those that are cut. Throws
// as check() does, and kUnsupported for a node without an address of its own.
Plan planOf(const Shape& shape, const muster::FaultOptions& options, const Addresses& all,
            const Addresses& probed);

}  // namespace harness::fault
