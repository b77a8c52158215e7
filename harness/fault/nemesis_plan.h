// Nemesis plans: which faults strike which nodes when, as values. A plan names nodes by role and
// number, so that it can be replayed on other nodes. Nothing here asks a node; what drives a plan
// is harness/fixture/nemesis.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace harness::nemesis {

using Milliseconds = std::chrono::milliseconds;

// The text of what() says which part of a plan is wrong, and how it would be right.
class PlanError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A fault needs one of these of the nodes. Their names are "cut", "rate", "delay", "freeze" and
// "power".
enum class Ability { kCut, kRate, kDelay, kFreeze, kPower };

std::string toString(Ability ability);

enum class Targets {
  // One group of one node.
  kOne,

  // Two groups of one node, the first of which sends.
  kPair,

  // Two groups or more, of all nodes together.
  kSides,
};

// What else may go on meanwhile.
enum class Lane {
  // One at a time: where one fault drops packets, no other can be witnessed.
  kCut,

  // One on each node.
  kLink,

  // One on each node, and nothing of the other lanes: such a node answers no call.
  kMachine,
};

struct Range {
  int64_t least = 0;
  int64_t most = 0;
};

// The unit is the end of the name.
struct Parameter {
  std::string name;

  // What a plan may have, and what the two generators draw.
  Range allowed;
  Range gentle;
  Range rough;
};

enum class Harshness {
  // Both generators draw it.
  kGentle,

  // Only "rough" does.
  kRough,
};

// A kind of faults. Its row in nemesis_plan.cc is all that plans need of it; how it is done is a
// row of harness/fixture/nemesis_faults.cc.
struct Kind {
  std::string name;
  Ability ability;
  Targets targets;
  Lane lane;
  Harshness harshness;
  std::vector<Parameter> parameters;
};

const std::vector<Kind>& kinds();

// Throws PlanError, naming the kinds that there are.
const Kind& kindOf(const std::string& name);

// The number counts the nodes of a role from 1, in the order of the cluster file.
struct Target {
  std::string role;
  int number = 0;

  friend auto operator<=>(const Target&, const Target&) = default;
};

// "server:1"
std::string toString(const Target& target);

struct Step {
  std::string kind;

  // From the start of the test's body, and how long it lasts.
  Milliseconds at{0};
  Milliseconds duration{0};
  std::vector<std::vector<Target>> targets;
  std::map<std::string, int64_t> parameters = {};

  friend bool operator==(const Step&, const Step&) = default;
};

// "isolate server:1"
std::string toString(const Step& step);

struct PlanNode {
  std::string name;
  std::string role;

  friend bool operator==(const PlanNode&, const PlanNode&) = default;
};

struct Plan {
  // "gentle", "rough", or another word for a plan that was not drawn.
  std::string generator;
  uint64_t seed = 0;

  // What the seed was mixed with, which is the name of a test. May be empty.
  std::string stream = {};
  Milliseconds duration{0};
  std::vector<PlanNode> nodes;

  // The kinds that were not drawn, with the reason.
  std::map<std::string, std::string> excluded = {};

  // Sorted by `at`.
  std::vector<Step> steps = {};

  friend bool operator==(const Plan&, const Plan&) = default;
};

// Throws PlanError unless the plan can be driven: kinds, targets, parameters and times are in their
// ranges, and no two steps go on together that must not.
void check(const Plan& plan);

// Tells whether the step, which begins after the others, may go on together with them.
bool fits(const Plan& plan, const Step& step);

// The nodes as targets, in their order.
std::vector<Target> targetsOf(const std::vector<PlanNode>& nodes);

// Returns the names of the plan's targets among `nodes`. Throws PlanError, with both counts, if
// `nodes` has not as many of each role as the plan.
std::map<Target, std::string> bind(const Plan& plan, const std::vector<PlanNode>& nodes);

struct Action {
  enum class What { kBegin, kHeal };

  Milliseconds at{0};
  What what = What::kBegin;

  // An index of the plan's steps.
  size_t step = 0;

  friend bool operator==(const Action&, const Action&) = default;
};

// The plan in the order in which it is driven, one action after the other. Of two at the same time,
// the end of a step comes before the beginning of another.
std::vector<Action> actionsOf(const Plan& plan);

// The plan for people: a head, a line for each excluded kind, and a line for each step.
std::string toText(const Plan& plan);

}  // namespace harness::nemesis
