// up, down, gc, check: clusters as a whole.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "harness/cli/clusters.h"
#include "harness/cli/command.h"
#include "harness/cli/table.h"
#include "harness/cluster/node_expression.h"
#include "harness/provision/local/local.h"
#include "harness/provision/local/machine.h"
#include "harness/provision/programs.h"
#include "harness/provision/provisioners.h"

namespace harness {
namespace {

std::string namesOf(const ClusterPlan& plan) {
  std::vector<std::string> names;
  for (const NodePlan& node : plan.nodes) names.push_back(node.name);
  return foldNodeNames(names);
}

Json nodesJson(const std::vector<NodeDescription>& nodes) {
  Json list = Json::array();
  for (const NodeDescription& node : nodes) {
    list.push_back({{"name", node.name}, {"role", node.role}, {"addresses", node.addresses}});
  }
  return list;
}

void requireRoot() {
  if (::geteuid() == 0) return;
  throw CommandError(kExitNoPermission,
                     "local clusters belong to root; run it as root or through sudo");
}

}  // namespace

int runUp(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  options.add_options()("name", "another name for the cluster than the file's",
                        cxxopts::value<std::string>())("json", "as JSON");
  cxxopts::ParseResult arguments = parseArguments(invocation, options);
  ClusterPlan plan = readPlan(positional(arguments, invocation, 1, 1)[0]);
  if (arguments.count("name") != 0) plan.name = arguments["name"].as<std::string>();
  MachineReport machine;
  if (plan.provisioner == "local") {
    machine = examineMachine(plan, findProgram("muster-hub"), findProgram("nodeagent"));
    for (const std::string& each : machine.degraded) std::cerr << "degraded: " << each << "\n";
  }
  auto start = std::chrono::steady_clock::now();
  ClusterDescription made = makeProvisioner(plan.provisioner)->up(plan, Tenure::kStanding);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (arguments.count("json") != 0) {
    printJson({{"cluster", made.name},
               {"provisioner", made.provisioner},
               {"seconds", took.count()},
               {"nodes", nodesJson(made.nodes)},
               {"degraded", machine.degraded}});
    return kExitOk;
  }
  std::cout.precision(2);
  std::cout << plan.name << ": " << namesOf(plan) << " up in " << std::fixed << took.count()
            << " s\n";
  return kExitOk;
}

int runDown(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  options.add_options()("all", "every local cluster of this machine")("json", "as JSON");
  cxxopts::ParseResult arguments = parseArguments(invocation, options);
  std::vector<std::string> words = positional(arguments, invocation, 0, 1);
  requireRoot();
  std::vector<std::string> present;
  std::vector<std::string> killed;
  for (const LocalClusterState& cluster : localClusters()) {
    present.push_back(cluster.name);
    if (!cluster.lives) killed.push_back(cluster.name);
  }
  std::vector<std::string> names = present;
  if (arguments.count("all") != 0) {
    if (!words.empty()) throw CommandError(kExitUsage, "either --all or a cluster");
  } else {
    std::string name = chooseLocalName(words.empty() ? "" : words[0]);
    // Where none is up, whoever says "down" means what a killed one has left.
    names = name.empty() && !killed.empty() ? killed : std::vector<std::string>{name};
  }
  LocalProvisioner local;
  Json removed = Json::array();
  bool asJson = arguments.count("json") != 0;
  for (const std::string& name : names) {
    bool known = std::find(present.begin(), present.end(), name) != present.end();
    if (known) local.down(name);
    if (asJson) {
      if (!name.empty()) removed.push_back({{"cluster", name}, {"was_up", known}});
    } else if (name.empty()) {
      std::cout << "no cluster is up\n";
    } else {
      std::cout << name << (known ? ": down\n" : ": was not up\n");
    }
  }
  if (asJson) printJson({{"clusters", std::move(removed)}});
  return kExitOk;
}

int runGc(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  options.add_options()("json", "as JSON");
  cxxopts::ParseResult arguments = parseArguments(invocation, options);
  positional(arguments, invocation, 0, 0);
  requireRoot();
  std::vector<std::string> collected = collectLocal();
  if (arguments.count("json") != 0) {
    printJson({{"collected", collected}});
    return kExitOk;
  }
  for (const std::string& name : collected) std::cout << name << ": collected\n";
  return kExitOk;
}

int runCheck(const Invocation& invocation) {
  cxxopts::Options options = optionsOf(invocation);
  options.add_options()("json", "as JSON");
  cxxopts::ParseResult arguments = parseArguments(invocation, options);
  ClusterPlan plan = readPlan(positional(arguments, invocation, 1, 1)[0]);
  MachineReport machine;
  if (plan.provisioner == "local") {
    machine = examineMachine(plan, findProgram("muster-hub"), findProgram("nodeagent"));
  }
  int status = machine.missing.empty() ? kExitOk : kExitNoPermission;
  if (arguments.count("json") != 0) {
    Json nodes = Json::array();
    for (const NodePlan& node : plan.nodes) {
      nodes.push_back({{"name", node.name}, {"role", node.role}});
    }
    printJson({{"file", plan.origin},
               {"cluster", plan.name},
               {"provisioner", plan.provisioner},
               {"nodes", std::move(nodes)},
               {"degraded", machine.degraded},
               {"missing", machine.missing}});
    return status;
  }
  std::cout << plan.origin << ": cluster " << plan.name << " by " << plan.provisioner << ": "
            << namesOf(plan) << "\n";
  for (const std::string& each : machine.degraded) std::cout << "degraded: " << each << "\n";
  for (const std::string& each : machine.missing) std::cout << "missing: " << each << "\n";
  return status;
}

}  // namespace harness
