// gc: removes the leftovers of killed clusters.
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/provision/kinds.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  std::vector<std::string> collected;
  for (const std::string& kind : provisionerNames()) {
    for (const std::string& name : makeProvisioner(kind)->collect()) collected.push_back(name);
  }
  if (arguments[kJson]) {
    printJson({{"collected", collected}});
    return kExitOk;
  }
  for (const std::string& name : collected) std::cout << name << ": collected\n";
  return kExitOk;
}

}  // namespace

const Command kGc = {
    .name = "gc",
    .usage = "",
    .summary = "remove what killed clusters have left on this machine",
    .options = [] { return OptionList{&kJson}; },
    .run = run,
    .notes = "Clusters that are up are not touched.\n",
};

}  // namespace harness
