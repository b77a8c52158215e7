// fault add: begins a fault that outlives the command.
#include <algorithm>
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/fault_words.h"
#include "harness/cli/node_fault_words.h"
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

constexpr TextOption kRate({
    .name = "rate",
    .value = "RATE",
    .help = "of degrade: send no faster than this, such as 8mbit",
    .problem = rateProblem,
});

constexpr DurationOption kJitter({.name = "jitter",
                                  .value = "TIME",
                                  .help = "of degrade: vary the delay by this time"},
                                 {.most = std::chrono::seconds(60)});

// A share of the packets that degrade treats.
constexpr TextOption shareOption(const char* name, const char* help) {
  return TextOption({.name = name, .value = "SHARE", .help = help, .problem = shareProblem});
}

constexpr TextOption kDuplicate =
    shareOption("duplicate", "of degrade: send this share of the packets twice");
constexpr TextOption kReorder =
    shareOption("reorder", "of degrade: let this share of the packets overtake the delayed ones");
constexpr TextOption kCorrupt =
    shareOption("corrupt", "of degrade: send this share of the packets with a wrong bit");

constexpr char kNotes[] =
    R"(The kinds, with the nodes that they take:
  bridge SET / NODE / SET    the sets reach the node and not each other
  degrade NODE               what the node sends is slow or unreliable
  cpu NODESET                threads are busy without a pause
  descriptors NODESET        processes can open no more files
  disk NODESET               files of a directory are slow, failing or forgetful
  down NODESET               an interface is down
  full NODESET               the disk of a directory is full
  isolate NODE               the node and all others do not reach each other
  kill NODESET               processes are killed at once, and stay so
  memory NODESET             memory is used up
  one-way FROM TO            packets of FROM do not reach TO
  partition SET / SET...     nodes of different sets do not reach each other
  pause NODESET              processes stand still
  read-only NODESET          a directory cannot be written
  ring NODESET...            each node reaches a majority, no two the same one

The command returns when the fault is witnessed: packets that were sent on
purpose have been dropped, or every thread of the processes was seen to have
stopped. If it cannot be, the fault is healed again. What degrade does, other
than --rate, needs netem in the kernel of the node, or nft and /dev/net/tun,
and then leaves the way to the agent alone. The agent's own processes are never
touched. With --even-ours, down is for one node and ten minutes at most, and
the command returns when the node is back.

Exit status: 0 if the fault is there; 64 if the command line is wrong; 65 if a
set is wrong or sets overlap; 69 if a node cannot be reached, has no such
process, cannot do it, or the fault was not witnessed.
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

muster::Degradation degradationOf(const Arguments& arguments) {
  auto shareIn = [&](const TextOption& option) {
    return arguments.has(option) ? shareOf(arguments[option]) : 0.0;
  };
  muster::Degradation degradation;
  if (arguments.has(kRate)) degradation.bitsPerSecond = rateOf(arguments[kRate]);
  if (arguments.has(delayOption())) degradation.delay = arguments[delayOption()];
  if (arguments.has(kJitter)) degradation.jitter = arguments[kJitter];
  degradation.duplicate = shareIn(kDuplicate);
  degradation.reorder = shareIn(kReorder);
  degradation.corrupt = shareIn(kCorrupt);
  return degradation;
}

bool isNodeFault(const std::string& kind) {
  return !nodeFaultOptionsOf(kind).empty();
}

// The options that the kind of fault has and some others have not.
OptionList optionsOf(const std::string& kind) {
  if (isNodeFault(kind)) {
    OptionList options = nodeFaultOptionsOf(kind);
    if (kind != kKillKind) options.push_back(&kFor);
    return options;
  }
  if (kind == "degrade") {
    return {&kFor, &kRate, &delayOption(), &kJitter, &kDuplicate, &kReorder, &kCorrupt};
  }
  return {&kFor, &kPort, &kProtocol, &kLoss};
}

// Throws if an option was given that the kind of fault does not have.
void requireFitting(const Arguments& arguments) {
  OptionList all = {&kFor,    &kPort,      &kProtocol, &kLoss,   &kRate,
                    &kJitter, &kDuplicate, &kReorder,  &kCorrupt};
  for (const Option* option : nodeFaultOptions()) all.push_back(option);
  OptionList fitting = optionsOf(arguments.word(0));
  for (const Option* option : all) {
    bool fits = std::find(fitting.begin(), fitting.end(), option) != fitting.end();
    if (fits || !arguments.has(*option)) continue;
    throw CommandError(kExitUsage, option->spelling() + " does not belong to " + arguments.word(0));
  }
}

// The nodes, the one that is degraded first and with one other for the witness.
std::vector<NodeDescription> nodesFor(const ClusterDescription& cluster,
                                      const fault::Shape& shape) {
  std::vector<NodeDescription> nodes = nodesOf(cluster, shape);
  if (shape.title != "degrade") return nodes;
  for (const NodeDescription& other : cluster.nodes) {
    if (nodes.size() == 1 && other.name != nodes.front().name) nodes.push_back(other);
  }
  return nodes;
}

void print(const Arguments& arguments, const Answers<std::vector<ProcessName>>& answers) {
  Json all = Json::array();
  for (const auto& [node, killed] : answers.given) {
    for (const ProcessName& process : killed) {
      if (!arguments[kJson]) {
        std::cout << node.name << ": killed " << process.name << " (" << process.pid << ")\n";
      }
      all.push_back({{"node", node.name}, {"pid", process.pid}, {"name", process.name}});
    }
  }
  if (arguments[kJson]) printJson({{"killed", all}, {"errors", errorsJson(answers.errors)}});
  complain(arguments.command(), answers.errors);
}

// Runs a kind that concerns nodes, and not the way between them.
int runOnNodes(const Arguments& arguments, const ClusterDescription& cluster) {
  const std::string& kind = arguments.words().front();
  bool isKill = kind == kKillKind;
  fault::NodeEffect effect = isKill ? fault::NodeEffect(fault::Pause{processesOf(arguments)})
                                    : nodeEffectOf(kind, arguments);
  fault::check(effect);
  std::vector<std::string> sets(arguments.words().begin() + 1, arguments.words().end());
  std::vector<NodeDescription> nodes = chooseNodes(cluster, joined(sets, ","));
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  if (!reachable.errors.empty()) {
    printErrors(arguments, reachable.errors);
    return kExitUnavailable;
  }
  auto until = std::chrono::steady_clock::now() + kInjectMax;
  if (kind == kDownKind && isEvenOurs(arguments)) {
    if (nodes.size() != 1) throw CommandError(kExitUsage, "down --even-ours takes one node");
    const auto& interface = std::get<fault::TakeDown>(effect).interface;
    rpc::InjectedFault::takeDownFor(*reachable.connected.front(), interface, arguments[kFor],
                                    until + arguments[kFor]);
    if (arguments[kJson]) {
      printJson({{"node", nodes.front().name}, {"interface", interface}});
    } else {
      std::cout << nodes.front().name << ": interface " << interface << " was down for "
                << durationText(arguments[kFor]) << "\n";
    }
    return kExitOk;
  }
  if (!isKill) {
    print(arguments,
          rpc::InjectedFault::onNodes(reachable.connected, effect, arguments[kFor], until));
    return kExitOk;
  }
  Answers<std::vector<ProcessName>> answers;
  answers.take(reachable.nodes,
               rpc::killProcesses(reachable.connected, processesOf(arguments), until));
  print(arguments, answers);
  return answers.errors.empty() ? kExitOk : kExitUnavailable;
}

int run(const Arguments& arguments) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  requireFitting(arguments);
  if (isNodeFault(arguments.words().front())) return runOnNodes(arguments, cluster);
  fault::Shape shape = shapeOf(arguments.words(), cluster);
  bool isDegradation = shape.title == "degrade";
  if (isDegradation) fault::check(shape, degradationOf(arguments));
  muster::FaultOptions options;
  options.protocol = protocolOf(arguments[kProtocol]);
  options.port = static_cast<uint16_t>(arguments[kPort]);
  options.loss = shareOf(arguments[kLoss]);
  std::vector<NodeDescription> nodes = nodesFor(cluster, shape);
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  const auto& connected = reachable.connected;
  // A degradation is of one node; the others show that its packets arrive.
  bool isDegradable = isDegradation && !connected.empty() &&
                      connected.front()->description().name == nodes.front().name;
  if (!reachable.errors.empty() && !isDegradable) {
    printErrors(arguments, reachable.errors);
    return kExitUnavailable;
  }
  auto until = std::chrono::steady_clock::now() + kInjectMax;
  auto hold = arguments[kFor];
  print(arguments,
        isDegradation
            ? rpc::InjectedFault::degrade(connected, degradationOf(arguments), hold, until)
            : rpc::InjectedFault::inject(connected, shape, options, hold, until));
  return kExitOk;
}

}  // namespace

const Command kFaultAdd = {
    .name = "fault add",
    .usage = "KIND NODESET [[/] NODESET...]",
    .summary = "cut the network between nodes, or disturb their processes",
    .options =
        [] {
          OptionList options = {&kCluster, &kFor,    &kPort,      &kProtocol, &kLoss,
                                &kRate,    &kJitter, &kDuplicate, &kReorder,  &kCorrupt};
          for (const Option* option : nodeFaultOptions()) options.push_back(option);
          for (const Option* option : OptionList{&kConnectTimeout, &kJson}) {
            options.push_back(option);
          }
          return options;
        },
    .run = run,
    .wordsLeast = 2,
    .wordsMost = 1000,
    .completes = WordKind::kFaultNodes,
    .notes = kNotes,
};

}  // namespace harness
