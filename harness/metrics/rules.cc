#include "harness/metrics/rules.h"

#include <fnmatch.h>

#include <algorithm>

#include "harness/values/failure_text.h"

namespace harness::metrics {
namespace {

// As the agent has it (nodeagent/os/process.h).
constexpr size_t kNameBytesMax = 255;

std::string ruleProblem(const muster::LeakRule& rule) {
  if (std::string problem = nameProblem(rule.process); !problem.empty()) {
    return "process " + inQuotes(rule.process) + ": " + problem;
  }
  if (!rule.memoryBytesMax && !rule.descriptorsMax && !rule.threadsMax) {
    return "there is no limit; give memoryBytesMax, descriptorsMax or threadsMax";
  }
  if (rule.warmUp.count() < 0 || rule.warmUp > kIntervalMax) {
    return "warmUp: " + durationText(rule.warmUp) + " is not between 0 and 1 h";
  }
  if (rule.nodes.empty()) return "nodes: is empty; \"*\" means all";
  return "";
}

}  // namespace

std::string nameProblem(const std::string& name) {
  if (name.empty()) return "is empty; give the name of a program, such as kvd";
  if (name.size() > kNameBytesMax) {
    return "has more than " + std::to_string(kNameBytesMax) + " bytes, as no program's name has";
  }
  if (name.find('/') != std::string::npos) {
    return "has a slash; give the last part of the program's path";
  }
  bool hasControl = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return hasControl ? "has a control character" : "";
}

std::string rulesProblem(const muster::MetricRules& rules) {
  if (rules.interval < kIntervalMin || rules.interval > kIntervalMax) {
    return "interval: " + durationText(rules.interval) + " is not between 100 ms and 1 h";
  }
  for (size_t i = 0; i < rules.processes.size(); ++i) {
    if (std::string problem = nameProblem(rules.processes[i]); !problem.empty()) {
      return "processes[" + std::to_string(i) + "]: " + inQuotes(rules.processes[i]) + ": " +
             problem;
    }
  }
  for (size_t i = 0; i < rules.leaks.size(); ++i) {
    if (std::string problem = ruleProblem(rules.leaks[i]); !problem.empty()) {
      return "leaks[" + std::to_string(i) + "]: " + problem;
    }
  }
  size_t count = namesOf(rules).size();
  if (count <= kNamesMax) return "";
  return "there are " + std::to_string(count) + " names of processes, at most " +
         std::to_string(kNamesMax) + " are possible";
}

std::vector<std::string> namesOf(const muster::MetricRules& rules) {
  std::vector<std::string> names;
  auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const std::string& name : rules.processes) add(name);
  for (const muster::LeakRule& rule : rules.leaks) add(rule.process);
  return names;
}

bool isAbout(const muster::LeakRule& rule, const std::string& node, const std::string& process) {
  return rule.process == process && fnmatch(rule.nodes.c_str(), node.c_str(), 0) == 0;
}

}  // namespace harness::metrics
