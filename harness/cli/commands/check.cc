// check: reads a cluster file and examines this machine for it.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/log_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/provision/kinds.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  ClusterPlan plan = planOf(arguments.word(0));
  refuseExpired(plan.wishes.logs);
  Examination machine = makeProvisioner(plan.provisioner)->examine(plan);
  int status = machine.missing.empty() ? kExitOk : kExitNoPermission;
  if (arguments[kJson]) {
    Json nodes = Json::array();
    for (const NodePlan& node : plan.nodes) {
      nodes.push_back({{"name", node.name}, {"role", node.role}});
    }
    printJson({{"file", plan.origin},
               {"cluster", plan.name},
               {"provisioner", plan.provisioner},
               {"nodes", std::move(nodes)},
               {"logs", clusterLogsJson(plan.wishes.logs)},
               {"degraded", machine.degraded},
               {"missing", machine.missing}});
    return status;
  }
  std::cout << plan.origin << ": cluster " << plan.name << " by " << plan.provisioner << ": "
            << nodeNames(plan) << "\n";
  std::cout << clusterLogsText(plan.wishes.logs);
  for (const std::string& each : machine.degraded) std::cout << "degraded: " << each << "\n";
  for (const std::string& each : machine.missing) std::cout << "missing: " << each << "\n";
  return status;
}

}  // namespace

const Command kCheck = {
    .name = "check",
    .usage = "FILE",
    .summary = "read a cluster file and say what this machine lacks for it",
    .options = [] { return OptionList{&kJson}; },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kClusterFiles,
    .notes = "Nothing is made. Exit status: 77 if something is missing.\n",
};

}  // namespace harness
