// down: removes the nodes of a cluster.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/provision/choice.h"
#include "harness/provision/kinds.h"

namespace harness {
namespace {

constexpr Flag kAll({.name = "all", .help = "every cluster of this machine"});

constexpr char kNotes[] =
    R"(Without a name, this is the only cluster that is up. If none is up, the files
that killed clusters have left are removed. A cluster that is not up is no
error, so the command may be repeated.
)";

// The clusters that "down" with these words means: kind and name, with an empty kind where nothing
// is there to be removed.
struct Doomed {
  std::string provisioner;
  std::string name;
};

std::vector<Doomed> doomedOf(const std::vector<PresentCluster>& present, const std::string& name) {
  std::vector<Doomed> doomed;
  for (const PresentCluster& cluster : present) {
    if (cluster.entry.name == name) doomed.push_back({cluster.provisioner, name});
  }
  if (doomed.empty()) doomed.push_back({"", name});
  return doomed;
}

std::vector<Doomed> onlyDoomed(const std::vector<PresentCluster>& present) {
  try {
    ExistingCluster only = chooseOnlyCluster();
    return {{only.description.provisioner, only.description.name}};
  } catch (const ChoiceError& error) {
    if (error.kind() != ChoiceError::Kind::kNone) throw;
  }
  // Where none is up, "down" means the leftovers of a killed one.
  std::vector<Doomed> doomed;
  for (const PresentCluster& cluster : present) {
    if (cluster.entry.life != ClusterEntry::Life::kLeftover) continue;
    doomed.push_back({cluster.provisioner, cluster.entry.name});
  }
  return doomed;
}

std::vector<Doomed> allDoomed(const std::vector<PresentCluster>& present) {
  std::vector<Doomed> doomed;
  for (const PresentCluster& cluster : present) {
    doomed.push_back({cluster.provisioner, cluster.entry.name});
  }
  return doomed;
}

int run(const Arguments& arguments) {
  bool all = arguments[kAll];
  if (all && !arguments.words().empty()) {
    throw CommandError(kExitUsage, "either --all or a cluster");
  }
  std::vector<PresentCluster> present = presentClusters();
  std::string text = all ? "" : clusterText(arguments.word(0));
  if (looksLikeFile(text)) text = planOf(text).name;
  std::vector<Doomed> doomed = all            ? allDoomed(present)
                               : text.empty() ? onlyDoomed(present)
                                              : doomedOf(present, text);
  Json removed = Json::array();
  if (doomed.empty() && !all && !arguments[kJson]) std::cout << "no cluster is up\n";
  for (const Doomed& each : doomed) {
    bool known = !each.provisioner.empty();
    if (known) makeProvisioner(each.provisioner)->down(each.name);
    if (arguments[kJson]) {
      removed.push_back({{"cluster", each.name}, {"was_up", known}});
    } else {
      std::cout << each.name << (known ? ": down\n" : ": was not up\n");
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
