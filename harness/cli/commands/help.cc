// help: describes a command.
#include "harness/cli/help.h"

#include <iostream>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

int run(const Arguments& arguments) {
  if (arguments.words().empty()) {
    std::cout << overview();
    return kExitOk;
  }
  std::string name = arguments.word(0);
  if (arguments.words().size() > 1) name += " " + arguments.word(1);
  const Command* command = findCommand(name);
  if (command == nullptr) {
    std::vector<std::string> names;
    for (const Command* each : commands()) names.emplace_back(each->name);
    throw CommandError(kExitUsage,
                       "there is no command \"" + name + "\"" + support::suggestion(name, names));
  }
  std::cout << helpOf(*command);
  return kExitOk;
}

}  // namespace

const Command kHelp = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "describe a command with its options",
    .options = [] { return OptionList{}; },
    .run = run,
    .wordsMost = 2,
    .completes = WordKind::kCommands,
};

}  // namespace harness
