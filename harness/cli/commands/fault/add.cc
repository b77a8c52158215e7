// fault add: begins a network fault that outlives the command.
#include <algorithm>
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/fault_words.h"
#include "harness/cli/options.h"
#include "harness/rpc/fault/injected_fault.h"
#include "harness/values/failure_text.h"

namespace harness {
namespace {

constexpr DurationOption kFor(
    {
        .name = "for",
        .value = "TIME",
        .help = "how long the nodes hold the fault",
        .initial = "60s",
    },
    {.least = std::chrono::seconds(1), .most = std::chrono::hours(24)});

constexpr CountOption kPort(
    {
        .name = "port",
        .value = "PORT",
        .help = "only packets of the service on this port",
    },
    {.least = 1, .most = 65535});

constexpr TextOption kProtocol({
    .name = "protocol",
    .value = "any|tcp|udp",
    .help = "only packets of this protocol",
    .initial = "any",
    .problem = protocolProblem,
});

constexpr TextOption kLoss({
    .name = "loss",
    .value = "SHARE",
    .help = "lose this share of the packets, at random",
    .initial = "100%",
    .problem = lossProblem,
});

constexpr char kNotes[] =
    R"(The kinds, with the nodes that they take:
  isolate NODE               the node and all others do not reach each other
  one-way FROM TO            packets of FROM do not reach TO
  partition SET / SET...     nodes of different sets do not reach each other

The command returns when the fault is witnessed: packets that were sent on
purpose have been dropped. If it cannot be, the fault is healed again.

Exit status: 0 if the fault is there; 64 if the command line is wrong; 65 if a
set is wrong or sets overlap; 69 if a node cannot be reached, cannot do it, or
the fault was not witnessed.
)";

// The fault's own time may be shorter than its witnesses would take.
constexpr std::chrono::seconds kInjectMax{30};

std::vector<NodeDescription> nodesOf(const ClusterDescription& cluster, const fault::Shape& shape) {
  std::vector<std::string> names = fault::nodesOf(shape);
  std::vector<NodeDescription> nodes;
  for (const NodeDescription& node : cluster.nodes) {
    if (std::find(names.begin(), names.end(), node.name) != names.end()) nodes.push_back(node);
  }
  return nodes;
}

void print(const Arguments& arguments, const rpc::InjectedFault& injected) {
  if (!arguments[kJson]) {
    std::cout << "fault " << shortId(injected.id()) << ": " << injected.text() << ", for "
              << durationText(arguments[kFor]) << "\n";
    std::cerr << "muster fault add: `muster fault heal " << shortId(injected.id())
              << "` ends it before\n";
    return;
  }
  Json nodes = Json::array();
  for (const fault::Part& part : injected.plan().parts) {
    nodes.push_back({{"node", part.node}, {"peers", part.peers}, {"addresses", part.addresses}});
  }
  printJson({{"id", injected.id()},
             {"kind", injected.plan().shape.title},
             {"for_seconds", std::chrono::duration<double>(arguments[kFor]).count()},
             {"nodes", std::move(nodes)}});
}

int run(const Arguments& arguments) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  fault::Shape shape = shapeOf(arguments.words(), cluster);
  muster::FaultOptions options;
  options.protocol = protocolOf(arguments[kProtocol]);
  options.port = static_cast<uint16_t>(arguments[kPort]);
  options.loss = lossOf(arguments[kLoss]);
  std::vector<NodeDescription> nodes = nodesOf(cluster, shape);
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  if (!reachable.errors.empty()) {
    complain(arguments.command(), reachable.errors);
    return kExitUnavailable;
  }
  auto until = std::chrono::steady_clock::now() + kInjectMax;
  print(arguments,
        rpc::InjectedFault::inject(reachable.connected, shape, options, arguments[kFor], until));
  return kExitOk;
}

}  // namespace

const Command kFaultAdd = {
    .name = "fault add",
    .usage = "KIND NODESET [[/] NODESET...]",
    .summary = "cut the network between nodes, or make it lossy",
    .options =
        [] {
          return OptionList{&kCluster, &kFor, &kPort, &kProtocol, &kLoss, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsLeast = 2,
    .wordsMost = 1000,
    .completes = WordKind::kFaultNodes,
    .notes = kNotes,
};

}  // namespace harness
