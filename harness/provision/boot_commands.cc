#include "harness/provision/boot_commands.h"

#include <map>

#include "harness/cluster/selection.h"
#include "schema/support/base/text.h"

namespace harness {

// The commands cross to other processes in JSON.
void checkBoot(const Setting& boot) {
  for (const Setting& command : boot.items()) {
    if (support::isUtf8(command.text())) continue;
    command.fail("boot: \"" + support::escaped(command.text()) +
                 "\" is not UTF-8; a shell's printf makes other bytes, such as printf '\\377'");
  }
}

void checkBootSets(const Setting& boot) {
  for (const Setting& commands : boot.values()) checkBoot(commands);
}

std::vector<std::vector<std::string>> bootCommands(const ClusterPlan& plan) {
  std::vector<std::vector<std::string>> all;
  std::map<std::string, size_t> indices;
  for (const NodePlan& node : plan.nodes) {
    indices.emplace(node.name, all.size());
    auto own = node.settings.find(kBootKey);
    all.push_back(own == node.settings.end() ? std::vector<std::string>() : own->second.texts());
  }
  auto sets = plan.settings.find(kBootKey);
  if (sets == plan.settings.end()) return all;
  for (size_t i = 0; i < sets->second.keys().size(); ++i) {
    std::vector<std::string> commands = sets->second.values()[i].texts();
    for (const std::string& name : selectNodes(plan, sets->second.keys()[i])) {
      std::vector<std::string>& node = all[indices.at(name)];
      node.insert(node.end(), commands.begin(), commands.end());
    }
  }
  return all;
}

}  // namespace harness
