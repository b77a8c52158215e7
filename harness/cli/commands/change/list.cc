// change list: shows the changes of nodes.
#include <iostream>

#include "harness/cli/answers.h"
#include "harness/cli/arguments.h"
#include "harness/cli/change_words.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/connections.h"
#include "harness/cli/options.h"

namespace harness {
namespace {

constexpr char kNotes[] =
    R"(Changes of every controller are shown, those of running tests too. One that
could not be taken back is failed, with the reason.

Exit status: 0 if every node answered, 69 if one did not.
)";

int run(const Arguments& arguments) {
  auto timeout = arguments[kConnectTimeout];
  ClusterDescription cluster = clusterOf(arguments[kCluster]);
  std::vector<NodeDescription> nodes = chooseNodes(cluster, arguments.word(0, "@*"));
  Connections connections(nodes, chooseRunId(""));
  auto answers = askChanges(reach(connections, nodes, timeout), timeout);
  if (arguments[kJson]) {
    Json list = Json::array();
    for (const ChangeRow& row : rowsOf(answers)) list.push_back(changeJson(row));
    printJson({{"changes", std::move(list)}, {"errors", errorsJson(answers.errors)}});
  } else {
    std::cout << changeTable(rowsOf(answers));
  }
  complain(arguments.command(), answers.errors);
  return answers.errors.empty() ? kExitOk : kExitUnavailable;
}

}  // namespace

const Command kChangeList = {
    .name = "change list",
    .usage = "[NODESET]",
    .summary = "list the changes of the nodes, whoever made them",
    .options =
        [] {
          return OptionList{&kCluster, &kConnectTimeout, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kNodes,
    .notes = kNotes,
};

}  // namespace harness
