// down: removes the nodes of a cluster.
#include <algorithm>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/provision/local/local.h"

namespace harness {
namespace {

constexpr Flag kAll({.name = "all", .help = "every local cluster of this machine"});

constexpr char kNotes[] =
    R"(Without a name, this is the only cluster that is up. If none is up, the files
that killed clusters have left are removed. A cluster that is not up is no
error, so the command may be repeated.
)";

int run(const Arguments& arguments) {
  requireRoot();
  std::vector<std::string> present;
  std::vector<std::string> killed;
  for (const LocalClusterState& cluster : localClusters()) {
    present.push_back(cluster.name);
    if (!cluster.lives) killed.push_back(cluster.name);
  }
  std::vector<std::string> names = present;
  if (arguments[kAll]) {
    if (!arguments.words().empty()) throw CommandError(kExitUsage, "either --all or a cluster");
  } else {
    std::string name = chooseLocalName(arguments.word(0));
    // Where none is up, "down" without a name means what a killed cluster has left.
    names = name.empty() && !killed.empty() ? killed : std::vector<std::string>{name};
  }
  LocalProvisioner local;
  Json removed = Json::array();
  for (const std::string& name : names) {
    bool known = std::find(present.begin(), present.end(), name) != present.end();
    if (known) local.down(name);
    if (arguments[kJson]) {
      if (!name.empty()) removed.push_back({{"cluster", name}, {"was_up", known}});
    } else if (name.empty()) {
      std::cout << "no cluster is up\n";
    } else {
      std::cout << name << (known ? ": down\n" : ": was not up\n");
    }
  }
  if (arguments[kJson]) printJson({{"clusters", std::move(removed)}});
  return kExitOk;
}

}  // namespace

const Command kDown = {
    .name = "down",
    .usage = "[NAME|FILE|--all]",
    .summary = "remove the nodes of a cluster and all that was made for them",
    .options =
        [] {
          return OptionList{&kAll, &kJson};
        },
    .run = run,
    .wordsMost = 1,
    .completes = WordKind::kClusters,
    .notes = kNotes,
};

}  // namespace harness
