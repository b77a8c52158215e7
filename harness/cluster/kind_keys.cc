#include "harness/cluster/kind_keys.h"

#include <algorithm>

#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

void checkEach(const std::vector<Key>& keys, const Settings& settings) {
  for (const auto& [name, setting] : settings) {
    auto known = std::find_if(keys.begin(), keys.end(),
                              [&name = name](const Key& key) { return name == key.name; });
    if (known == keys.end()) {
      std::vector<std::string> names;
      for (const Key& key : keys) names.emplace_back(key.name);
      setting.fail("unknown key \"" + name + "\"" + support::suggestion(name, names));
    }
    if (known->check) known->check(setting);
  }
}

// Returns the required key that is missing, as a text. Empty: none is.
std::string missing(const std::vector<Key>& keys, const Settings& settings) {
  for (const Key& key : keys) {
    if (key.presence == Key::Presence::kOptional || settings.contains(key.name)) continue;
    std::string example = key.example.empty() ? "" : ", such as " + key.example;
    return "the key \"" + key.name + "\" is missing" + example;
  }
  return "";
}

}  // namespace

void checkSettings(const KindKeys& kind, const ClusterPlan& plan) {
  checkEach(kind.clusterKeys, plan.settings);
  std::string absent = missing(kind.clusterKeys, plan.settings);
  if (!absent.empty()) {
    throw ClusterFileError(plan.origin.empty() ? absent : plan.origin + ":1:1: " + absent);
  }
  for (const NodePlan& node : plan.nodes) {
    checkEach(kind.nodeKeys, node.settings);
    absent = missing(kind.nodeKeys, node.settings);
    if (absent.empty()) continue;
    bool fromFile = node.set.kind() == Setting::Kind::kText;
    node.set.fail(fromFile ? "node set \"" + node.set.text() + "\": " + absent
                           : "node " + node.name + ": " + absent);
  }
  kind.check(plan);
}

}  // namespace harness
