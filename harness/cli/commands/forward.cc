// forward: a port or socket of a node here, or one of this machine on the node.
#include "harness/rpc/forward/forward.h"

#include <iostream>
#include <stdexcept>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/forward_words.h"
#include "harness/cli/options.h"
#include "harness/os/wait.h"

namespace harness {
namespace {

constexpr DurationOption kForwardConnectTimeout = connectTimeoutOption("10s");

constexpr Flag kReverse({.name = "reverse",
                         .letter = 'R',
                         .help = "listen on the node, and connect from this machine"});

constexpr DurationOption kFor(
    {.name = "for", .value = "TIME", .help = "end after this time", .initial = "24h"});

constexpr char kNotes[] =
    R"(A place is PORT, HOST:PORT, [IPV6]:PORT, or the absolute path of a unix socket;
hosts are numeric, or localhost. Without LISTEN, the kernel chooses a port of
127.0.0.1. LISTEN is of this machine, and TARGET as the node sees it; with
--reverse it is the other way round. Listeners are at loopback addresses only.

  muster forward server1 80             a free port here goes to port 80 there
  muster forward server1 8080:localhost:80
  muster forward server1 /tmp/kvd.sock:/run/kvd.sock
  muster forward --reverse server1 9000:8000

It lasts until ^C, --for, or the end of the nodes. What goes wrong with a
connection is said on standard error.

Exit status: 0 at the end of --for; 64 if the command line is wrong; 65 if there
is not one node of that name; 69 if the node cannot be reached or refuses.
)";

void print(const Arguments& arguments, const rpc::RunningForward& forward) {
  bool isReverse = arguments[kReverse];
  std::string listen = placeText(forward.bound());
  std::string target = placeText(forward.plan().target);
  if (arguments[kJson]) {
    printJson(
        {{"node", forward.node()}, {"reverse", isReverse}, {"listen", listen}, {"target", target}});
  } else {
    std::cout << (isReverse ? forward.node() + " " : "") << listen << " -> "
              << (isReverse ? "" : forward.node() + " ") << target << "\n";
  }
  std::cout.flush();
}

// Says what goes wrong, once for each failure, until the time is over.
void watch(ControllerNode& node, const rpc::RunningForward& forward, Deadline until) {
  std::string told;
  waitUntil(until, [&] {
    std::string failure = forward.numbers().failure;
    if (failure != told && !failure.empty()) {
      std::cerr << "muster forward: " << node.description().name << ": " << failure << "\n";
    }
    told = failure;
    return interruptedBy() != 0;
  });
}

int run(const Arguments& arguments) {
  rpc::ForwardPlan plan;
  try {
    plan = forwardPlanOf(arguments.word(1));
  } catch (const std::invalid_argument& error) {
    throw CommandError(kExitUsage, error.what());
  }
  if (arguments[kReverse]) plan.way = rpc::ForwardWay::kFromNode;
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0));
  if (nodes.size() != 1) {
    throw CommandError(kExitData, "\"" + arguments.word(0) + "\" is " +
                                      std::to_string(nodes.size()) + " nodes; a forward is of one");
  }
  Connections connections(nodes, chooseRunId(arguments[kRunId]));
  ControllerNode& node = *connections.nodes()[0];
  Deadline until = after(arguments[kForwardConnectTimeout]);
  node.awaitConnected(until);
  auto forward = rpc::RunningForward::begin(node, plan, until);
  print(arguments, forward);
  watch(node, forward, after(arguments[kFor]));
  return kExitOk;
}

}  // namespace

const Command kForward = {
    .name = "forward",
    .usage = "NODE [LISTEN:]TARGET",
    .summary = "reach a port or socket of a node from here, or the other way round",
    .options =
        [] {
          return OptionList{&kCluster, &kForwardConnectTimeout, &kReverse, &kFor, &kJson, &kRunId};
        },
    .run = run,
    .wordsLeast = 2,
    .wordsMost = 2,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
