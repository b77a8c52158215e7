// change undo: takes changes of nodes back.
#include <iostream>
#include <map>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/change_words.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr Flag kAll({.name = "all", .help = "every change of every node"});

constexpr DurationOption kTimeLimit = timeLimitOption("10m", "how long all of it may take");

constexpr char kNotes[] =
    R"(CHANGE is the beginning of an id, as `muster change list` shows it. A change
that was taken back already is no error, so the command may be repeated. An
operator can take back the changes of its own identity, an admin those of
everybody.

Exit status: 0 if the changes are gone; 1 if one is not, or is not ours to take
back; 69 if a node could not be asked.
)";

constexpr int kStatusRemains = 1;

// The effect on all nodes.
struct Outcome {
  std::vector<ChangeRow> undone;
  std::vector<muster::NodeError> remaining;
};

// Takes back the newest first, as a session's end does.
Outcome undo(const Reachable& reachable, const std::vector<ChangeRow>& chosen,
             muster::SteadyTime until) {
  std::map<std::string, ControllerNode*> nodes;
  for (size_t i = 0; i < reachable.nodes.size(); ++i) {
    nodes[reachable.nodes[i].name] = reachable.connected[i];
  }
  Outcome outcome;
  for (auto row = chosen.rbegin(); row != chosen.rend(); ++row) {
    try {
      if (rpc::Changes(*nodes.at(row->first)).undo(row->second.id, until)) {
        outcome.undone.push_back(*row);
      }
    } catch (const muster::NodeError& error) {
      outcome.remaining.push_back(error);
    }
  }
  return outcome;
}

void print(const Arguments& arguments, const Outcome& outcome,
           const std::vector<std::string>& unknown, const std::vector<muster::NodeError>& errors) {
  if (arguments[kJson]) {
    Json undone = Json::array();
    for (const ChangeRow& row : outcome.undone) {
      undone.push_back({{"id", row.second.id}, {"node", row.first}});
    }
    printJson({{"undone", std::move(undone)},
               {"unknown", unknown},
               {"remaining", errorsJson(outcome.remaining)},
               {"errors", errorsJson(errors)}});
    return;
  }
  for (const ChangeRow& row : outcome.undone) {
    std::cout << row.first << ": change " << row.second.id.substr(0, 8) << " taken back\n";
  }
  if (outcome.undone.empty() && outcome.remaining.empty()) std::cout << "nothing to take back\n";
  for (const std::string& word : unknown) {
    std::cerr << "muster change undo: no node has change " << word
              << "; it may have been taken back already\n";
  }
  complain(arguments.command(), outcome.remaining);
  complain(arguments.command(), errors);
}

int run(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  if (words.empty() != arguments[kAll]) {
    throw CommandError(kExitUsage, words.empty() ? "say what to take back: changes, or --all"
                                                 : "either changes, or --all");
  }
  std::vector<std::string> unknown;
  // Refuses a word that is no change before any node is asked.
  chooseChanges(words, {}, unknown);
  unknown.clear();
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, "@*");
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kConnectTimeout]);
  auto known = askChanges(reachable, arguments[kConnectTimeout]);
  auto chosen = arguments[kAll] ? rowsOf(known) : chooseChanges(words, rowsOf(known), unknown);
  Outcome outcome =
      undo(reachable, chosen, std::chrono::steady_clock::now() + arguments[kTimeLimit]);
  print(arguments, outcome, unknown, known.errors);
  if (!known.errors.empty()) return kExitUnavailable;
  return outcome.remaining.empty() ? kExitOk : kStatusRemains;
}

}  // namespace

const Command kChangeUndo = {
    .name = "change undo",
    .usage = "CHANGE... | --all",
    .summary = "take changes back before their time",
    .options =
        [] {
          return OptionList{&kCluster, &kAll, &kTimeLimit, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsMost = 1000,
    .completes = WordKind::kChanges,
    .notes = kNotes,
};

}  // namespace harness
