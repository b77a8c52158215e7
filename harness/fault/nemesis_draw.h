// Draws nemesis plans from a seed.
//
//   "gentle"  one fault at a time, of less than half of a role, with quiet time behind each. A link
//             that is slow or late takes no node away and may be any node's.
//   "rough"   up to three at a time, of any nodes: both sides of a partition, majorities that stand
//             still, power cuts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/fault/nemesis_plan.h"

namespace harness::nemesis {

struct Wish {
  // "gentle" or "rough".
  std::string generator;
  uint64_t seed = 0;

  // Is mixed with the seed, so that each test has its own plan. May be empty.
  std::string stream = {};

  // From the start of the test's body to the end of the last fault.
  Milliseconds duration = std::chrono::minutes(2);
  std::vector<PlanNode> nodes;

  // What the nodes cannot do, with the reason. Kinds that need it are left out.
  std::map<Ability, std::string> lacking = {};

  // Kinds that are left out for another reason.
  std::map<std::string, std::string> without = {};
};

std::vector<std::string> generators();

// Returns the same plan for the same wish on every machine. It has no steps if no kind is possible.
// Throws PlanError for a generator that does not exist and for a wish without nodes.
Plan draw(const Wish& wish);

}  // namespace harness::nemesis
