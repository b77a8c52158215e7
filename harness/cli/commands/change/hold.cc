// change hold: makes a change of nodes and keeps it until it is interrupted.
#include <algorithm>
#include <iostream>
#include <optional>
#include <thread>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/change_words.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"
#include "harness/values/failure_text.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr DurationOption kFor(
    {
        .name = "for",
        .value = "TIME",
        .help = "how long to keep the change, if nothing ends it before",
        .initial = "1h",
    },
    {.least = std::chrono::seconds(1), .most = std::chrono::hours(24)});

constexpr DurationOption kTimeLimit =
    timeLimitOption("10m", "how long it may take until the change is there");

constexpr char kNotes[] =
    R"(The changes, with their arguments:
  address ADDRESS/PREFIX INTERFACE   an address more
  bridge NAME [INTERFACE...]         a bridge of these interfaces
  environment SERVICE NAME=VALUE...  variables of a service, from its next start
  group NAME                         a group
  hosts ADDRESS NAME...              a line of /etc/hosts, before all others
  loop DIRECTORY SIZE [FILESYSTEM]   a new file system, ext4 by default
  mount DIRECTORY SOURCE TYPE [OPT]  what mount(8) of the node can mount
  packages NAME|PATH...              packages, by apt-get or dnf
  port PORT[/udp]                    a port in the firewall, open
  sysctl NAME=VALUE                  a parameter of the kernel
  tmpfs DIRECTORY SIZE               a file system in memory
  user NAME [GROUP]                  a user
  veth NAME NAME                     two interfaces, connected
  vlan INTERFACE ID [NAME]           an interface for a VLAN

SIZE is in bytes, or with K, M, G or T in units of 1024. What should be added
must not be there. The change is there when the command says so, and ends with
the command: by Ctrl-C, after --for, or however else. If the command is killed,
the nodes take it back when the lease of its session is over, after a minute.

Exit status: 0 if the change was made, and its time is over; 1 if a node refused
it, which then no node keeps; 64 if the command line is wrong; 69 if a node
cannot be reached, or the first one has lost the change.
)";

constexpr int kStatusRefused = 1;

// What became of the change on each node, in their order.
struct Made {
  std::vector<std::optional<ChangeInfo>> infos;
  std::vector<muster::NodeError> errors;
};

Made makeOnAll(const Reachable& reachable, const muster::ChangeSpec& spec,
               muster::SteadyTime until) {
  size_t count = reachable.connected.size();
  Made made;
  made.infos.resize(count);
  std::vector<std::optional<muster::NodeError>> errors(count);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        try {
          made.infos[i] =
              rpc::Changes(*reachable.connected[i]).make(spec, muster::UndoAt::kSessionEnd, until);
        } catch (const muster::NodeError& error) {
          errors[i] = error;
        }
      });
    }
  }
  for (auto& error : errors) {
    if (error) made.errors.push_back(*error);
  }
  return made;
}

void print(const Arguments& arguments, const Reachable& reachable, const Made& made) {
  if (arguments[kJson]) {
    Json list = Json::array();
    for (size_t i = 0; i < made.infos.size(); ++i) {
      if (made.infos[i]) list.push_back(changeJson({reachable.nodes[i].name, *made.infos[i]}));
    }
    printJson({{"changes", std::move(list)},
               {"for_seconds", std::chrono::duration<double>(arguments[kFor]).count()},
               {"errors", errorsJson(made.errors)}});
    std::cout.flush();
    return;
  }
  for (size_t i = 0; i < made.infos.size(); ++i) {
    if (!made.infos[i]) continue;
    std::cout << reachable.nodes[i].name << ": change " << made.infos[i]->id.substr(0, 8) << " "
              << made.infos[i]->text << "\n";
    for (const auto& [name, value] : made.infos[i]->details) {
      std::cout << "  " << name << ": " << support::printable(value) << "\n";
    }
  }
  std::cout.flush();
  complain(arguments.command(), made.errors);
}

// Waits until `until`, as the first node sees it, and asks after each loss of a connection whether
// the change is still there. A signal makes the wait fail.
void hold(const Reachable& reachable, const Made& made, muster::SteadyTime until) {
  while (std::chrono::steady_clock::now() < until) {
    if (!reachable.connected.front()->awaitDisconnected(until)) break;
    reachable.connected.front()->awaitConnected(until);
    auto infos = rpc::Changes(*reachable.connected.front()).list(until);
    bool isThere = std::any_of(infos.begin(), infos.end(), [&](const ChangeInfo& info) {
      return info.id == made.infos.front()->id;
    });
    if (isThere) continue;
    throw muster::NodeError(muster::NodeError::Kind::kLost, reachable.nodes.front().name,
                            "keep a change", "the node has taken it back, with our session");
  }
}

int run(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  muster::ChangeSpec spec = changeOf({words.begin() + 1, words.end()});
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, words[0]);
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  if (!reachable.errors.empty()) {
    printErrors(arguments, reachable.errors);
    return kExitUnavailable;
  }
  auto now = std::chrono::steady_clock::now();
  Made made = makeOnAll(reachable, spec, now + arguments[kTimeLimit]);
  print(arguments, reachable, made);
  if (!made.errors.empty()) return kStatusRefused;
  if (!arguments[kJson]) {
    std::cerr << "muster change hold: until Ctrl-C, or for " << durationText(arguments[kFor])
              << "\n";
  }
  hold(reachable, made, std::chrono::steady_clock::now() + arguments[kFor]);
  return kExitOk;
}

}  // namespace

const Command kChangeHold = {
    .name = "change hold",
    .usage = "NODESET KIND ARGUMENT...",
    .summary = "make a change and keep it until the command ends",
    .options =
        [] {
          return OptionList{&kCluster, &kFor, &kTimeLimit, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsLeast = 2,
    .wordsMost = 100,
    .completes = WordKind::kChangeWords,
    .notes = kNotes,
};

}  // namespace harness
