// reboot: cuts the power of nodes, powers them on again, and waits until their agents answer.
#include <iostream>
#include <memory>
#include <optional>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"
#include "harness/os/wait.h"
#include "harness/provision/error.h"
#include "harness/provision/kinds.h"

namespace harness {
namespace {

constexpr DurationOption kWithin(
    {
        .name = "within",
        .value = "TIME",
        .help = "how long the nodes have to come back, all together",
        .initial = "5m",
    },
    {.least = std::chrono::seconds(1), .most = std::chrono::hours(24)});

constexpr char kNotes[] =
    R"(It is a power cut and no orderly end: what the nodes have not synced may be
gone. Processes end, and boot commands run again. A node that was off is on
afterwards. Nodes whose provisioner cannot cut their power, such as those of
kind static, are refused before any node is touched.

Exit status: 0 if every node is back with a new boot id; 69 if one is not, with
its name and the reason, or if the nodes cannot be rebooted.
)";

// How long the loss of a connection may take to be noticed.
constexpr std::chrono::seconds kNoticeMax{30};

// One node on its way down and up again.
struct Reboot {
  NodeDescription node;
  ControllerNode* connected = nullptr;

  // Empty if it could not be asked.
  std::string bootIdBefore;
  std::string bootId;

  // Absent: it is back.
  std::optional<muster::NodeError> error;
};

muster::NodeError failureOf(const Reboot& reboot, const std::string& reason) {
  return {muster::NodeError::Kind::kInfrastructure, reboot.node.name, "reboot", reason};
}

MachineControl& controlOf(Provisioner& provisioner, const ClusterDescription& cluster) {
  MachineControl* control = provisioner.machineControl();
  if (control != nullptr) return *control;
  throw CommandError(kExitUnavailable, "the power of nodes of kind \"" + cluster.provisioner +
                                           "\" cannot be cut, so they are rebooted by their own "
                                           "means: muster exec -d NODESET -- systemctl reboot");
}

// A connection to a node that was off already is none that could be lost.
void cutPower(MachineControl& control, const std::string& cluster, std::vector<Reboot>& reboots) {
  for (Reboot& reboot : reboots) {
    try {
      control.powerOff(cluster, reboot.node.name);
    } catch (const ProvisionError& error) {
      reboot.error = failureOf(reboot, error.what());
    }
  }
  waitUntil(after(kNoticeMax), [&] {
    for (const Reboot& reboot : reboots) {
      bool isThere = reboot.connected->state().kind == muster::NodeState::Kind::kConnected;
      if (isThere && !reboot.error) return false;
    }
    return true;
  });
}

void powerOn(MachineControl& control, const std::string& cluster, std::vector<Reboot>& reboots) {
  for (Reboot& reboot : reboots) {
    try {
      control.powerOn(cluster, reboot.node.name);
    } catch (const ProvisionError& error) {
      if (!reboot.error) reboot.error = failureOf(reboot, error.what());
    }
  }
}

void awaitBack(Controller& controller, muster::SteadyTime until, std::vector<Reboot>& reboots) {
  std::vector<ControllerNode*> nodes;
  for (const Reboot& reboot : reboots) nodes.push_back(reboot.connected);
  auto errors = controller.awaitAll(nodes, until);
  for (size_t i = 0; i < reboots.size(); ++i) {
    Reboot& reboot = reboots[i];
    if (errors[i] && !reboot.error) reboot.error = std::move(*errors[i]);
    if (reboot.error) continue;
    reboot.bootId = reboot.connected->state().bootId;
    if (reboot.bootId == reboot.bootIdBefore) {
      reboot.error = failureOf(reboot, "it still has the boot id " + reboot.bootId);
    }
  }
}

int report(const Arguments& arguments, const std::vector<Reboot>& reboots) {
  Json nodes = Json::array();
  std::vector<muster::NodeError> errors;
  for (const Reboot& reboot : reboots) {
    if (reboot.error) {
      errors.push_back(*reboot.error);
    } else if (arguments[kJson]) {
      nodes.push_back({{"node", reboot.node.name},
                       {"boot_id_before", reboot.bootIdBefore},
                       {"boot_id", reboot.bootId}});
    } else {
      std::cout << reboot.node.name << ": is back with boot id " << reboot.bootId << "\n";
    }
  }
  if (arguments[kJson]) {
    printJson({{"nodes", std::move(nodes)}, {"errors", errorsJson(errors)}});
  } else {
    complain(kReboot, errors);
  }
  return errors.empty() ? kExitOk : kExitUnavailable;
}

int run(const Arguments& arguments) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0));
  std::unique_ptr<Provisioner> provisioner = makeProvisioner(cluster.provisioner);
  MachineControl& control = controlOf(*provisioner, cluster);
  Connections connections(nodes, chooseRunId(""));
  Controller& controller = connections.controller();
  controller.awaitAll(connections.nodes(),
                      std::chrono::steady_clock::now() + arguments[kConnectTimeout]);
  std::vector<Reboot> reboots;
  for (size_t i = 0; i < nodes.size(); ++i) {
    ControllerNode* node = connections.nodes()[i];
    reboots.push_back({nodes[i], node, node->state().bootId, "", std::nullopt});
  }
  auto until = std::chrono::steady_clock::now() + arguments[kWithin];
  cutPower(control, cluster.name, reboots);
  powerOn(control, cluster.name, reboots);
  awaitBack(controller, until, reboots);
  return report(arguments, reboots);
}

}  // namespace

const Command kReboot = {
    .name = "reboot",
    .usage = "NODESET",
    .summary = "cut the power of nodes, and wait until they are back",
    .options =
        [] {
          return OptionList{&kCluster, &kWithin, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
