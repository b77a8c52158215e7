#include "harness/fault/nemesis_plan.h"

#include <algorithm>
#include <set>

#include "harness/values/failure_text.h"

namespace harness::nemesis {
namespace {

// The plan of a day has about 31000 steps if it is rough (nemesis_draw.cc).
constexpr size_t kStepsMost = 50'000;
constexpr Milliseconds kTimeMost = std::chrono::hours(24);
constexpr size_t kNodesMost = 1000;

[[noreturn]] void refuse(size_t step, const std::string& why) {
  throw PlanError("step " + std::to_string(step + 1) + ": " + why);
}

std::string toText(Milliseconds time) {
  return durationText(time);
}

// "3 of role client, 1 of role server"
std::string countsText(const std::vector<PlanNode>& nodes) {
  std::map<std::string, int> counts;
  for (const PlanNode& node : nodes) ++counts[node.role];
  std::vector<std::string> texts;
  for (const auto& [role, count] : counts) {
    texts.push_back(std::to_string(count) + " of role " + inQuotes(role));
  }
  return texts.empty() ? "no nodes" : joined(texts, ", ");
}

void checkShape(size_t number, const Step& step, const Kind& kind) {
  bool isRight = step.targets.size() >= 2;
  if (kind.targets == Targets::kOne) isRight = step.targets.size() == 1;
  if (kind.targets == Targets::kPair) isRight = step.targets.size() == 2;
  for (const auto& group : step.targets) {
    bool isSingle = kind.targets != Targets::kSides;
    isRight = isRight && (isSingle ? group.size() == 1 : !group.empty());
  }
  if (isRight) return;
  const char* wanted = kind.targets == Targets::kOne    ? "one group of one node"
                       : kind.targets == Targets::kPair ? "two groups of one node"
                                                        : "two groups of nodes or more";
  refuse(number, "targets: " + kind.name + " takes " + wanted);
}

void checkTargets(size_t number, const Step& step, const std::set<Target>& known) {
  std::set<Target> seen;
  for (const auto& group : step.targets) {
    for (const Target& target : group) {
      if (!known.contains(target)) {
        refuse(number, "targets: the topology has no node " + toString(target));
      }
      if (!seen.insert(target).second) {
        refuse(number, "targets: " + toString(target) + " is named twice");
      }
    }
  }
}

void checkParameters(size_t number, const Step& step, const Kind& kind) {
  for (const Parameter& parameter : kind.parameters) {
    auto found = step.parameters.find(parameter.name);
    std::string range =
        std::to_string(parameter.allowed.least) + " to " + std::to_string(parameter.allowed.most);
    if (found == step.parameters.end()) {
      refuse(number, "parameters: " + kind.name + " needs " + parameter.name + ", from " + range);
    }
    if (found->second < parameter.allowed.least || found->second > parameter.allowed.most) {
      refuse(number, "parameters: " + parameter.name + ": " + std::to_string(found->second) +
                         " is not in the range " + range);
    }
  }
  for (const auto& [name, value] : step.parameters) {
    auto isMeant = [&name = name](const Parameter& each) { return each.name == name; };
    if (std::any_of(kind.parameters.begin(), kind.parameters.end(), isMeant)) continue;
    refuse(number, "parameters: " + kind.name + " has no " + inQuotes(name));
  }
}

void checkTimes(size_t number, const Step& step) {
  if (step.at < Milliseconds(0) || step.at > kTimeMost) {
    refuse(number, "at_ms: " + std::to_string(step.at.count()) + " is not within 24 hours");
  }
  if (step.duration < Milliseconds(1) || step.duration > kTimeMost) {
    refuse(number, "duration_ms: " + std::to_string(step.duration.count()) +
                       " is not from 1 ms to 24 hours");
  }
}

bool haveCommonTarget(const Step& some, const Step& other) {
  for (const auto& group : some.targets) {
    for (const Target& target : group) {
      for (const auto& others : other.targets) {
        if (std::find(others.begin(), others.end(), target) != others.end()) return true;
      }
    }
  }
  return false;
}

// Tells whether both may go on at a time.
bool areCompatible(const Step& some, const Step& other) {
  Lane lane = kindOf(some.kind).lane;
  Lane otherLane = kindOf(other.kind).lane;
  if (lane != otherLane) return lane != Lane::kMachine && otherLane != Lane::kMachine;
  return lane != Lane::kCut && !haveCommonTarget(some, other);
}

void checkOverlaps(const Plan& plan) {
  std::set<size_t> open;
  for (const Action& action : actionsOf(plan)) {
    if (action.what == Action::What::kHeal) {
      open.erase(action.step);
      continue;
    }
    for (size_t other : open) {
      if (areCompatible(plan.steps[action.step], plan.steps[other])) continue;
      refuse(action.step, toString(plan.steps[action.step]) + " would begin while step " +
                              std::to_string(other + 1) + ", " + toString(plan.steps[other]) +
                              ", goes on; these two cannot be witnessed together");
    }
    open.insert(action.step);
  }
}

}  // namespace

// The last three columns of a parameter are what is allowed, and what "gentle" and "rough" draw.
const std::vector<Kind>& kinds() {
  using enum Targets;
  using enum Ability;
  constexpr auto kCutLane = Lane::kCut;
  constexpr auto kLink = Lane::kLink;
  constexpr auto kMachine = Lane::kMachine;
  constexpr auto kGentle = Harshness::kGentle;
  constexpr auto kRough = Harshness::kRough;
  static const std::vector<Kind> all = {
      {"isolate", kCut, kOne, kCutLane, kGentle, {}},
      {"one-way", kCut, kPair, kCutLane, kGentle, {}},
      {"lossy", kCut, kOne, kCutLane, kGentle, {{"loss_percent", {1, 100}, {5, 30}, {10, 80}}}},
      {"partition", kCut, kSides, kCutLane, kRough, {}},
      {"slow",
       kRate,
       kOne,
       kLink,
       kGentle,
       {{"rate_kbps", {8, 100'000'000}, {2'000, 20'000}, {500, 8'000}}}},
      {"late", kDelay, kOne, kLink, kGentle, {{"delay_ms", {1, 60'000}, {5, 50}, {20, 300}}}},
      {"freeze", kFreeze, kOne, kMachine, kGentle, {}},
      {"power-cycle", kPower, kOne, kMachine, kRough, {}},
  };
  return all;
}

const Kind& kindOf(const std::string& name) {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  throw PlanError("kind: " + inQuotes(name) + " is none of " + joined(names, ", "));
}

std::string toString(Ability ability) {
  switch (ability) {
    case Ability::kCut:
      return "cut";
    case Ability::kRate:
      return "rate";
    case Ability::kDelay:
      return "delay";
    case Ability::kFreeze:
      return "freeze";
    case Ability::kPower:
      return "power";
  }
  return "";
}

std::string toString(const Target& target) {
  return target.role + ":" + std::to_string(target.number);
}

std::string toString(const Step& step) {
  std::vector<std::string> groups;
  for (const auto& group : step.targets) {
    std::vector<std::string> names;
    for (const Target& target : group) names.push_back(toString(target));
    groups.push_back(joined(names, ","));
  }
  std::string text = step.kind + " " + joined(groups, step.kind == "one-way" ? " to " : " / ");
  for (const auto& [name, value] : step.parameters) {
    text += " " + name + "=" + std::to_string(value);
  }
  return text;
}

void check(const Plan& plan) {
  if (plan.nodes.empty() || plan.nodes.size() > kNodesMost) {
    throw PlanError("topology: there must be 1 to " + std::to_string(kNodesMost) + " nodes");
  }
  if (plan.steps.size() > kStepsMost) {
    throw PlanError("steps: there are " + std::to_string(plan.steps.size()) + ", and " +
                    std::to_string(kStepsMost) + " at most may be; draw a shorter plan");
  }
  std::vector<Target> all = targetsOf(plan.nodes);
  std::set<Target> known(all.begin(), all.end());
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    try {
      const Kind& kind = kindOf(step.kind);
      checkTimes(i, step);
      checkShape(i, step, kind);
      checkTargets(i, step, known);
      checkParameters(i, step, kind);
      if (kind.lane == Lane::kCut && plan.nodes.size() < 2) {
        refuse(i, step.kind + " needs two nodes");
      }
    } catch (const PlanError& error) {
      bool hasPlace = std::string(error.what()).starts_with("step ");
      if (hasPlace) throw;
      refuse(i, error.what());
    }
    if (i > 0 && step.at < plan.steps[i - 1].at) {
      refuse(i, "at_ms: it is before that of the step above");
    }
  }
  checkOverlaps(plan);
}

bool fits(const Plan& plan, const Step& step) {
  return std::all_of(plan.steps.begin(), plan.steps.end(), [&](const Step& other) {
    return other.at + other.duration <= step.at || areCompatible(step, other);
  });
}

std::vector<Target> targetsOf(const std::vector<PlanNode>& nodes) {
  std::map<std::string, int> counts;
  std::vector<Target> targets;
  for (const PlanNode& node : nodes) targets.push_back({node.role, ++counts[node.role]});
  return targets;
}

std::map<Target, std::string> bind(const Plan& plan, const std::vector<PlanNode>& nodes) {
  std::vector<Target> wanted = targetsOf(plan.nodes);
  std::vector<Target> there = targetsOf(nodes);
  std::set<Target> left(there.begin(), there.end());
  if (std::set<Target>(wanted.begin(), wanted.end()) != left) {
    throw PlanError("topology: the plan is for " + countsText(plan.nodes) + ", and the nodes are " +
                    countsText(nodes) + "; draw a plan for these");
  }
  std::map<Target, std::string> names;
  for (size_t i = 0; i < nodes.size(); ++i) names[there[i]] = nodes[i].name;
  return names;
}

std::vector<Action> actionsOf(const Plan& plan) {
  std::vector<Action> actions;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    actions.push_back({step.at, Action::What::kBegin, i});
    actions.push_back({step.at + step.duration, Action::What::kHeal, i});
  }
  std::sort(actions.begin(), actions.end(), [](const Action& some, const Action& other) {
    if (some.at != other.at) return some.at < other.at;
    if (some.what != other.what) return some.what == Action::What::kHeal;
    return some.step < other.step;
  });
  return actions;
}

std::string toText(const Plan& plan) {
  std::string text = "nemesis " + plan.generator + ", seed " + std::to_string(plan.seed) +
                     (plan.stream.empty() ? "" : " for " + plan.stream) + ", " +
                     toText(plan.duration) + ", " + countsText(plan.nodes) + ", " +
                     std::to_string(plan.steps.size()) +
                     (plan.steps.size() == 1 ? " fault\n" : " faults\n");
  for (const auto& [kind, reason] : plan.excluded)
    text += "  without " + kind + ": " + reason + "\n";
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    text += "  " + std::to_string(i + 1) + ". at " + toText(step.at) + " for " +
            toText(step.duration) + ": " + toString(step) + "\n";
  }
  return text;
}

}  // namespace harness::nemesis
