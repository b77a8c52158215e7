#include "harness/cli/command.h"

#include <cstring>
#include <stdexcept>

#include "harness/cli/arguments.h"
#include "harness/cli/commands/all_commands.h"

namespace harness {

const std::vector<const Command*>& commands() {
#define MUSTER_ADDRESS(command) &command,
  static const std::vector<const Command*> kCommands = {MUSTER_COMMANDS(MUSTER_ADDRESS)};
#undef MUSTER_ADDRESS
  return kCommands;
}

const Command* findCommand(const std::string& name) {
  for (const Command* command : commands()) {
    if (name == command->name) return command;
  }
  return nullptr;
}

std::vector<const Command*> actionsOf(const Command& group) {
  std::string prefix = std::string(group.name) + " ";
  std::vector<const Command*> actions;
  for (const Command* command : commands()) {
    if (std::string(command->name).starts_with(prefix)) actions.push_back(command);
  }
  return actions;
}

int runGroup(const Arguments& arguments) {
  throw std::logic_error(std::string(arguments.command().name) + " was run without an action");
}

bool isAction(const Command& command) {
  return std::strchr(command.name, ' ') != nullptr;
}

std::string usageOf(const Command& command) {
  std::string usage = std::string("muster ") + command.name + " [OPTION...]";
  return *command.usage == '\0' ? usage : usage + " " + command.usage;
}

}  // namespace harness
