// Decides which rules of metrics may be. It asks no node.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <muster/metric_rules.h>

namespace harness::metrics {

// The distances of samples, and the number of names, that an agent takes (schema/metrics.capnp).
inline constexpr std::chrono::milliseconds kIntervalMin{100};
inline constexpr std::chrono::hours kIntervalMax{1};
inline constexpr size_t kNamesMax = 64;

// Says why processes cannot be chosen by this name, with what would be right. Empty: they can.
std::string nameProblem(const std::string& name);

// Returns the first problem of all rules. That of a leak rule begins with its place, such as
// "leaks[2]".
std::string rulesProblem(const muster::MetricRules& rules);

// Returns every name that is recorded, each once, those of the rules last.
std::vector<std::string> namesOf(const muster::MetricRules& rules);

// Tells whether the rule is about processes of this name on this node.
bool isAbout(const muster::LeakRule& rule, const std::string& node, const std::string& process);

}  // namespace harness::metrics
