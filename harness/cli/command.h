// What a command of `muster` is, and the table of all commands.
//
// Adding a command takes a file in commands/ that defines a constant of type Command, and a row in
// commands/all_commands.h. Help, completion and the checks of the command line follow from the
// constant.
#pragma once

#include <string>
#include <vector>

#include "harness/cli/command_error.h"
#include "harness/cli/option.h"

namespace harness {

class Arguments;

// The words that may stand behind "--".
enum class Rest {
  // More words: they only happen to begin with a dash, perhaps.
  kWords,
  // Something of its own, such as a command to be run on a node: Arguments::rest().
  kSeparate,
};

struct Command {
  // One word, or two for an action of a group: "pki token".
  const char* name;
  // The arguments, as the usage line shows them.
  const char* usage;
  // One line for the list of commands, without a capital letter and a full stop.
  const char* summary;
  // Each option once. --help is understood by every command and is not among them.
  OptionList (*options)();
  // Returns the exit status. Throws CommandError, or an error that muster.cc maps to a status.
  int (*run)(const Arguments& arguments);
  // How many words there are, without those behind a Rest::kSeparate.
  size_t wordsLeast = 0;
  size_t wordsMost = 0;
  Rest rest = Rest::kWords;
  WordKind completes = WordKind::kNone;
  // The text of the help below the options, in whole paragraphs of at most 80 columns.
  const char* notes = "";
};

// Every command and every action, in the order of the help.
const std::vector<const Command*>& commands();

// Null: there is no command of this name.
const Command* findCommand(const std::string& name);

// The actions of a group, such as "pki"; empty for an ordinary command.
std::vector<const Command*> actionsOf(const Command& group);

// Is what a group runs, which is never: the parser refuses a group without an action. Throws
// std::logic_error.
int runGroup(const Arguments& arguments);

// True for "pki token", which the list of commands leaves to its group.
bool isAction(const Command& command);

// "muster exec [OPTION...] NODESET -- COMMAND [ARGUMENT...]"
std::string usageOf(const Command& command);

}  // namespace harness
