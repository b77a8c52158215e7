// check: reads a cluster file and examines this machine for it.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/log_words.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/cluster/node_expression.h"
#include "harness/provision/kinds.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

std::string collectText(const ClusterCollect& collect) {
  std::string text;
  for (const ClusterCollect::Part& part : collect.parts) {
    std::string nodes = part.nodes.empty() ? "" : " on " + foldNodeNames(part.nodes);
    for (const std::string& file : part.files) {
      text += "collect: files " + inQuotes(file) + nodes + "\n";
    }
    for (const auto& argv : part.commands) {
      text += "collect: command " + argvText(argv) + nodes + "\n";
    }
  }
  return text;
}

Json collectJson(const ClusterCollect& collect) {
  Json list = Json::array();
  for (const ClusterCollect::Part& part : collect.parts) {
    list.push_back({{"nodes", foldNodeNames(part.nodes)},
                    {"files", part.files},
                    {"commands", part.commands},
                    {"max_size", part.bytesMax}});
  }
  return list;
}

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
               {"collect", collectJson(plan.wishes.collect)},
               {"packages", plan.wishes.packages},
               {"degraded", machine.degraded},
               {"missing", machine.missing}});
    return status;
  }
  std::cout << plan.origin << ": cluster " << plan.name << " by " << plan.provisioner << ": "
            << nodeNames(plan) << "\n";
  std::cout << clusterLogsText(plan.wishes.logs) << collectText(plan.wishes.collect);
  for (const std::string& name : plan.wishes.packages) std::cout << "package: " << name << "\n";
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
