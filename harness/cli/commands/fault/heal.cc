// fault heal: ends faults.
#include <iostream>
#include <set>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/fault_words.h"
#include "harness/cli/options.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

constexpr Flag kAll({.name = "all", .help = "every fault of every node"});

constexpr char kNotes[] =
    R"(FAULT is the beginning of an id, as `muster fault list` shows it. A fault that
has ended already is no error, so the command may be repeated. An operator can
end the faults of its own identity, an admin those of everybody. A test whose
fault is ended this way fails.

Exit status: 0 if the nodes' kernels have nothing of the faults any more; 1 if
one has, or if it is not ours to end; 69 if a node could not be asked.
)";

constexpr int kStatusRemains = 1;
constexpr std::chrono::seconds kHealMax{20};

struct Healed {
  std::string id;
  std::string node;
  uint64_t packets = 0;
  std::string witness = {};
};

// The effect on all nodes.
struct Outcome {
  std::vector<Healed> healed;
  std::vector<muster::NodeError> remaining;
};

void heal(const Reachable& reachable, const std::string& id, Outcome& outcome) {
  Answers<FaultHealed> answers;
  answers.take(reachable.nodes, rpc::healFault(reachable.connected, id,
                                               std::chrono::steady_clock::now() + kHealMax));
  for (const auto& [node, healed] : answers.given) {
    if (healed.isFound)
      outcome.healed.push_back({id, node.name, healed.last.packets, healed.last.witness});
  }
  outcome.remaining.insert(outcome.remaining.end(), answers.errors.begin(), answers.errors.end());
}

void print(const Arguments& arguments, const Outcome& outcome, const ChosenFaults& chosen,
           const std::vector<muster::NodeError>& errors) {
  if (arguments[kJson]) {
    Json healed = Json::array();
    for (const Healed& each : outcome.healed) {
      healed.push_back({{"id", each.id},
                        {"node", each.node},
                        {"packets", each.packets},
                        {"witness", each.witness}});
    }
    printJson({{"healed", std::move(healed)},
               {"unknown", chosen.unknown},
               {"remaining", errorsJson(outcome.remaining)},
               {"errors", errorsJson(errors)}});
    return;
  }
  for (const Healed& each : outcome.healed) {
    std::cout << each.node << ": fault " << shortId(each.id) << " healed";
    if (!each.witness.empty()) {
      std::cout << "; seen last: " << support::printable(each.witness);
    } else if (each.packets > 0) {
      std::cout << ", " << each.packets << " packets dropped";
    }
    std::cout << "\n";
  }
  if (outcome.healed.empty() && outcome.remaining.empty()) std::cout << "nothing to heal\n";
  for (const std::string& word : chosen.unknown) {
    std::cerr << "muster fault heal: no node has fault " << word << "; it may have ended already\n";
  }
  complain(arguments.command(), outcome.remaining);
  complain(arguments.command(), errors);
}

int run(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  if (words.empty() != arguments[kAll]) {
    throw CommandError(kExitUsage, words.empty() ? "say what to heal: faults, or --all"
                                                 : "either faults, or --all");
  }
  // Refuses a word that is no fault before any node is asked.
  chooseFaults(words, {});
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, "@*");
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  auto known = askFaults(reachable, arguments[kConnectTimeout]);
  ChosenFaults chosen = chooseFaults(words, rowsOf(known));
  std::set<std::string> ids(chosen.ids.begin(), chosen.ids.end());
  if (arguments[kAll]) {
    for (const auto& [node, info] : rowsOf(known)) ids.insert(info.id);
  }
  Outcome outcome;
  for (const std::string& id : ids) heal(reachable, id, outcome);
  print(arguments, outcome, chosen, known.errors);
  if (!known.errors.empty()) return kExitUnavailable;
  return outcome.remaining.empty() ? kExitOk : kStatusRemains;
}

}  // namespace

const Command kFaultHeal = {
    .name = "fault heal",
    .usage = "FAULT... | --all",
    .summary = "end faults before their time",
    .options =
        [] {
          return OptionList{&kCluster, &kAll, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsMost = 1000,
    .completes = WordKind::kFaults,
    .notes = kNotes,
};

}  // namespace harness
