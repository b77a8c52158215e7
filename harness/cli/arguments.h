// What a command line of `muster` asks for, checked against the table of commands.
//
// Options may stand before the command, behind it, and among its words. Values are checked here, so
// that a command that runs has nothing to refuse in their form. We parse ourselves because a parser
// of one command's options cannot find the command behind an option, nor tell an old spelling.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/command.h"
#include "harness/cli/old_spellings.h"

namespace harness {

// The arguments of one command.
class Arguments {
 public:
  explicit Arguments(const Command& command) : command_(&command) {}

  const Command& command() const { return *command_; }
  const std::vector<std::string>& words() const { return words_; }
  // The word at `index`, or `otherwise` if there are fewer.
  std::string word(size_t index, const std::string& otherwise = "") const;
  // Returns the words behind "--" of a command with Rest::kSeparate.
  const std::vector<std::string>& rest() const { return rest_; }

  // The value of an option that the command lists; another option is a bug (std::logic_error).
  template <typename O>
  typename O::Value operator[](const O& option) const {
    return option.read(given(option));
  }
  bool has(const Option& option) const { return !given(option).empty(); }

  // For the parser. `value` is empty for a flag.
  void add(const Option& option, const std::string& value) { given_[&option].push_back(value); }
  void setWords(std::vector<std::string> words) { words_ = std::move(words); }
  void setRest(std::vector<std::string> rest) { rest_ = std::move(rest); }

 private:
  const std::vector<std::string>& given(const Option& option) const;

  const Command* command_;
  std::map<const Option*, std::vector<std::string>> given_;
  std::vector<std::string> words_;
  std::vector<std::string> rest_;
};

struct CommandLine {
  enum class Wish {
    kRunCommand,
    // --help: of `command`, or of the whole program if there is none.
    kShowHelp,
    kShowVersion,
    // There is no command.
    kNothing,
  };
  Wish wish = Wish::kNothing;
  const Command* command = nullptr;
  // Absent unless the wish is kRunCommand.
  std::optional<Arguments> arguments;
  // Old spellings that were used: lines for standard error.
  std::vector<std::string> notes;
};

// `words` are those behind the program's name. Throws CommandError with kExitUsage.
CommandLine parseCommandLine(const std::vector<std::string>& words);

// One part of a command line before "--": an option with its value, or a word.
struct Item {
  // "--cluster" or "-t"; empty for a word.
  std::string spelling;
  // The option's value, or the word. Absent: an option without one.
  std::optional<std::string> value;
};

std::vector<Item> itemsOf(const std::vector<std::string>& words);

struct TakenCommand {
  // Null: the words name none.
  const Command* command = nullptr;
  // Null unless an action was named by its old name.
  const OldSpelling* old = nullptr;
};

// The command that the words among `items` name. Removes those words from `items`.
TakenCommand takeCommand(std::vector<Item>& items);

// The option of `command`, old spellings included. Null: the command does not have it.
const Option* findOption(const Command& command, const std::string& spelling);

}  // namespace harness
