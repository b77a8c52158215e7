// gc: removes the leftovers of killed clusters.
#include <exception>
#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/options.h"
#include "harness/cli/table.h"
#include "harness/provision/error.h"
#include "harness/provision/kinds.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  std::vector<std::string> collected;
  std::exception_ptr failure;
  for (const std::string& kind : provisionerNames()) {
    try {
      for (const std::string& name : makeProvisioner(kind)->collect()) collected.push_back(name);
    } catch (const ProvisionError&) {
      // What the other kinds have left is removed all the same.
      if (!failure) failure = std::current_exception();
    }
  }
  if (arguments[kJson]) {
    printJson({{"collected", collected}});
  } else {
    for (const std::string& name : collected) std::cout << name << ": collected\n";
  }
  if (failure) std::rethrow_exception(failure);
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
