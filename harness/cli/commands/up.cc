// up: makes the nodes of a cluster file.
#include <chrono>
#include <future>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/interrupt.h"
#include "harness/cli/node_events.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/provision/kinds.h"

namespace harness {
namespace {

constexpr TextOption kName({
    .name = "name",
    .value = "NAME",
    .help = "the name of the cluster; by default the one in the file",
});

constexpr Flag kHold({
    .name = "hold",
    .help = "remove the nodes again when the command ends, by a signal for instance",
});

Json nodesJson(const std::vector<NodeDescription>& nodes) {
  Json list = Json::array();
  for (const NodeDescription& node : nodes) {
    list.push_back({{"name", node.name}, {"role", node.role}, {"addresses", node.addresses}});
  }
  return list;
}

void print(const Arguments& arguments, const ClusterPlan& plan, const ClusterDescription& made,
           const Examination& machine, std::chrono::duration<double> took) {
  if (arguments[kJson]) {
    printJson({{"cluster", made.name},
               {"provisioner", made.provisioner},
               {"seconds", took.count()},
               {"nodes", nodesJson(made.nodes)},
               {"degraded", machine.degraded}});
  } else {
    std::cout.precision(2);
    std::cout << plan.name << ": " << nodeNames(plan) << " up in " << std::fixed << took.count()
              << " s\n";
  }
  std::cout.flush();
}

// Waits for a signal. The provisioner removes what is its own then.
void awaitInterrupt() {
  std::promise<void> interrupted;
  Interrupt interrupt([&interrupted] { interrupted.set_value(); });
  interrupted.get_future().wait();
}

int run(const Arguments& arguments) {
  ClusterPlan plan = planOf(arguments.word(0));
  refuseExpired(plan.wishes.logs);
  if (arguments.has(kName)) plan.name = arguments[kName];
  std::unique_ptr<Provisioner> provisioner = makeProvisioner(plan.provisioner);
  Examination machine = provisioner->examine(plan);
  for (const std::string& each : machine.degraded) std::cerr << "degraded: " << each << "\n";
  auto start = std::chrono::steady_clock::now();
  UpPrinter printer(std::cerr, start);
  UpWatch watch(*provisioner, [&printer](const UpProgress& progress) {
    printer.print(progress, UpPrinter::Clock::now());
  });
  ClusterDescription made =
      provisioner->up(plan, arguments[kHold] ? Tenure::kOwned : Tenure::kStanding);
  print(arguments, plan, made, machine, std::chrono::steady_clock::now() - start);
  if (arguments[kHold]) awaitInterrupt();
  return kExitOk;
}

}  // namespace

const Command kUp = {
    .name = "up",
    .usage = "FILE",
    .summary = "make the nodes of a cluster file; they stay until `muster down`",
    .options =
        [] {
          return OptionList{&kName, &kHold, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kClusterFiles,
};

}  // namespace harness
