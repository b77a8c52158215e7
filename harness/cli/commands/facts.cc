// facts: what the nodes are.
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/fact_words.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr DurationOption kAnswerTimeout = connectTimeoutOption("5s");

void print(const ClusterDescription& cluster, const Answers<NodeSurvey>& answers) {
  Json list = Json::array();
  for (const auto& [node, survey] : answers.given) {
    Json entry = {{"cluster", cluster.name}, {"node", node.name}};
    entry["facts"] = factsJson(survey.facts);
    list.push_back(std::move(entry));
  }
  printJson({{"nodes", std::move(list)}, {"errors", errorsJson(answers.errors)}});
}

int run(const Arguments& arguments) {
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0, "@*"));
  Connections connections(nodes, chooseRunId(""));
  Reachable reachable = reach(connections, nodes, arguments[kAnswerTimeout]);
  auto until = std::chrono::steady_clock::now() + arguments[kAnswerTimeout];
  Answers<NodeSurvey> answers;
  answers.take(reachable.nodes, connections.controller().survey(reachable.connected, until));
  answers.errors.insert(answers.errors.begin(), reachable.errors.begin(), reachable.errors.end());
  if (arguments[kJson]) {
    print(cluster, answers);
  } else {
    for (const auto& [node, survey] : answers.given) {
      std::cout << node.name << ":\n" << factsText(survey.facts);
    }
    complain(kFacts, answers.errors);
  }
  return answers.errors.empty() ? kExitOk : kExitUnavailable;
}

}  // namespace

const Command kFacts = {
    .name = "facts",
    .usage = "[NODESET]",
    .summary = "show what the nodes are: system, kernel, processors, memory, disks, network",
    .options =
        [] {
          return OptionList{&kCluster, &kAnswerTimeout, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = "Exit status: 0 if every node has answered, 69 if one has not.\n",
};

}  // namespace harness
