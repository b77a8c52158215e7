// wait: waits on the nodes until something is there or gone.
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/condition_words.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"
#include "harness/rpc/wait/waits.h"

namespace harness {
namespace {

constexpr DurationOption kWithin(
    {.name = "within", .value = "TIME", .help = "how long to wait", .initial = "30s"},
    {.most = std::chrono::hours(24)});

constexpr Flag kGone({
    .name = "gone",
    .help = "wait for the contrary: the port is closed, the file is gone, …",
});

constexpr char kNotes[] =
    R"(What can be waited for:
  port [HOST:]PORT        a TCP connection is accepted; HOST is 127.0.0.1
  socket PATH             a connection to the unix socket is accepted
  file PATH               there is something at the path
  http URL [STATUS]       a GET has this status, by default any from 200 to 299
  process NAME            a process of this name runs
  mount PATH              a file system is mounted at the path

The nodes look themselves, each for itself, so HOST and URL are as they see
them. Services have a wait of their own: `muster service wait`.

Exit status: 0 if it is so on every node; 69 if a node cannot be reached, or it
is not so there in time.
)";

// For the rest of an answer when the wait is over.
constexpr std::chrono::seconds kAnswerMax{5};

int run(const Arguments& arguments) {
  std::vector<std::string> words = arguments.words();
  muster::Condition condition = conditionOf({words.begin() + 1, words.end()});
  if (arguments[kGone]) condition = condition.absent();
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, words[0]);
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  auto until = std::chrono::steady_clock::now() + arguments[kWithin];
  Answers<std::string> answers;
  answers.errors = reachable.errors;
  answers.take(reachable.nodes,
               rpc::awaitOnAll(reachable.connected, condition, until, until + kAnswerMax));
  Json list = Json::array();
  for (const auto& [node, seen] : answers.given) {
    list.push_back({{"node", node.name}, {"condition", toString(condition)}, {"seen", seen}});
    if (!arguments[kJson]) std::cout << node.name << ": " << seen << "\n";
  }
  if (arguments[kJson]) {
    printJson({{"nodes", std::move(list)}, {"errors", errorsJson(answers.errors)}});
  }
  complain(arguments.command(), answers.errors);
  return answers.errors.empty() ? kExitOk : kExitUnavailable;
}

}  // namespace

const Command kWait = {
    .name = "wait",
    .usage = "NODESET KIND SUBJECT",
    .summary = "wait on the nodes for ports, files, web servers, processes, mounts",
    .options =
        [] {
          return OptionList{&kCluster, &kWithin, &kGone, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsLeast = 3,
    .wordsMost = 4,
    .completes = WordKind::kWaits,
    .notes = kNotes,
};

}  // namespace harness
