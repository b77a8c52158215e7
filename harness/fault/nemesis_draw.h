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

// The lengths of drawn plans. A fault of "gentle" fits into the least one for certain, and one of
// "rough" as good as certainly: a drawn time that does not fit is drawn again.
constexpr Milliseconds kDurationLeast = std::chrono::seconds(7);
constexpr Milliseconds kDurationMost = std::chrono::hours(24);

struct Wish {
  // "gentle" or "rough".
  std::string generator;
  uint64_t seed = 0;

  // Is mixed with the seed, so that each test has its own plan. May be empty.
  std::string stream = {};

  // From the start of the test's body to the end of the last fault; from kDurationLeast to
  // kDurationMost.
  Milliseconds duration = std::chrono::minutes(2);
  std::vector<PlanNode> nodes;

  // What the nodes cannot do, with the reason. Kinds that need it are left out.
  std::map<Ability, std::string> lacking = {};

  // Kinds that are left out for another reason.
  std::map<std::string, std::string> without = {};
};

std::vector<std::string> generators();

// Returns the same plan for the same wish on every machine. It has no steps if no kind is possible.
// What it returns can be stored and read again. Throws PlanError for a generator that does not
// exist, for a wish without nodes or of another length, and for a plan that is too large to be read
// (nemesis_json.h).
Plan draw(const Wish& wish);

}  // namespace harness::nemesis
