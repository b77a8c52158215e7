#include "harness/cli/arguments.h"

#include <algorithm>
#include <stdexcept>

#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

bool isHelp(const std::string& spelling) {
  return spelling == "--help" || spelling == "-h";
}

bool spells(const Option& option, const std::string& spelling) {
  return spelling == option.spelling() ||
         (spelling.size() == 2 && option.text().letter != 0 && spelling[1] == option.text().letter);
}

// An option of any command, for one that stands before the command.
const Option* findAnywhere(const std::string& spelling) {
  for (const Command* command : commands()) {
    if (const Option* option = findOption(*command, spelling)) return option;
  }
  return nullptr;
}

// Follows which command the words of a line name, since an option may take a value in one command
// and none in another.
class NamedCommand {
 public:
  void see(const std::string& word) {
    if (count_ == 0) command_ = findCommand(word);
    if (count_ == 1 && command_ != nullptr && !actionsOf(*command_).empty()) {
      const OldSpelling* old = findOldSpelling(command_->name, word);
      std::string name = old != nullptr ? old->now : word;
      command_ = findCommand(std::string(command_->name) + " " + name);
    }
    ++count_;
  }

  // Tells whether the option at `at` takes a value. Before the command, the next word may be one
  // whose option takes none; else it takes one if it does so anywhere.
  bool takesValue(const std::string& spelling, const std::vector<std::string>& words,
                  size_t at) const {
    const Option* option = command_ == nullptr ? nullptr : findOption(*command_, spelling);
    if (option != nullptr) return option->takesValue();
    const Command* next = at + 1 < words.size() ? findCommand(words[at + 1]) : nullptr;
    option = next == nullptr || count_ > 0 ? nullptr : findOption(*next, spelling);
    if (option != nullptr) return option->takesNextWord();
    return std::any_of(commands().begin(), commands().end(), [&spelling](const Command* command) {
      const Option* each = findOption(*command, spelling);
      return each != nullptr && each->takesValue();
    });
  }

  // Tells whether it also takes the next word for it.
  bool takesNextWord(const std::string& spelling, const std::vector<std::string>& words,
                     size_t at) const {
    if (!takesValue(spelling, words, at)) return false;
    const Option* option = command_ == nullptr ? nullptr : findOption(*command_, spelling);
    if (option == nullptr) option = findAnywhere(spelling);
    return option == nullptr || option->text().implied == nullptr;
  }

 private:
  const Command* command_ = nullptr;
  size_t count_ = 0;
};

// The word behind an option that takes a value. --help is never a value: it asks for help wherever
// it stands.
std::optional<std::string> takeNext(const std::vector<std::string>& words, size_t& at) {
  if (at + 1 >= words.size() || isHelp(words[at + 1])) return std::nullopt;
  return words[++at];
}

void addLong(const std::vector<std::string>& words, size_t& at, const NamedCommand& command,
             std::vector<Item>& items) {
  size_t equals = words[at].find('=');
  Item item{words[at].substr(0, equals), std::nullopt};
  if (equals != std::string::npos) {
    item.value = words[at].substr(equals + 1);
  } else if (command.takesNextWord(item.spelling, words, at)) {
    item.value = takeNext(words, at);
  }
  items.push_back(std::move(item));
}

// "-rp" is two flags, "-t5s" and "-t 5s" an option with its value.
void addLetters(const std::vector<std::string>& words, size_t& at, const NamedCommand& command,
                std::vector<Item>& items) {
  const std::string letters = words[at];
  for (size_t i = 1; i < letters.size(); ++i) {
    Item item{std::string("-") + letters[i], std::nullopt};
    if (!command.takesValue(item.spelling, words, at)) {
      items.push_back(std::move(item));
      continue;
    }
    if (i + 1 < letters.size()) {
      item.value = letters.substr(i + 1);
    } else if (command.takesNextWord(item.spelling, words, at)) {
      item.value = takeNext(words, at);
    }
    items.push_back(std::move(item));
    return;
  }
}

std::string seeHelp(const Command* command) {
  return "; see muster " + (command == nullptr ? "" : std::string(command->name) + " ") + "--help";
}

[[noreturn]] void refuseOption(const Command* command, const std::string& spelling) {
  std::vector<std::string> known = {"--help"};
  for (const Command* each : commands()) {
    if (command != nullptr && each != command) continue;
    for (const Option* option : each->options()) known.push_back(option->spelling());
  }
  throw CommandError(kExitUsage, "there is no option \"" + spelling + "\"" + seeHelp(command) +
                                     support::suggestion(spelling, known));
}

void addOption(const Command& command, const Item& item, CommandLine& line) {
  const Option* option = findOption(command, item.spelling);
  if (option == nullptr) refuseOption(&command, item.spelling);
  if (const OldSpelling* old = findOldSpelling(command.name, item.spelling)) {
    line.notes.push_back(noteOn(*old));
  }
  std::optional<std::string> value = item.value;
  if (!value && option->text().implied != nullptr) value = option->text().implied;
  if (option->takesValue() && !value) {
    throw CommandError(kExitUsage, item.spelling + ": the value is missing: " +
                                       option->text().value + seeHelp(&command));
  }
  if (!option->takesValue() && item.value) {
    throw CommandError(kExitUsage, item.spelling + " takes no value" + seeHelp(&command));
  }
  if (option->takesValue()) option->check(*value);
  line.arguments->add(*option, value.value_or(""));
}

void requireWordCount(const Command& command, const std::vector<std::string>& words) {
  if (words.size() >= command.wordsLeast && words.size() <= command.wordsMost) return;
  std::string problem = words.size() < command.wordsLeast
                            ? "an argument is missing"
                            : "one argument too many: \"" + words[command.wordsMost] + "\"";
  throw CommandError(kExitUsage, problem + "; usage: " + usageOf(command));
}

[[noreturn]] void refuseCommand(const std::vector<Item>& items) {
  // An option that no command has may have taken the command's name for itself.
  for (const Item& item : items) {
    if (item.spelling.empty()) break;
    if (!isHelp(item.spelling) && findAnywhere(item.spelling) == nullptr)
      refuseOption(nullptr, item.spelling);
  }
  auto word = std::find_if(items.begin(), items.end(),
                           [](const Item& item) { return item.spelling.empty(); });
  std::vector<std::string> names;
  for (const Command* command : commands()) {
    if (!isAction(*command)) names.emplace_back(command->name);
  }
  throw CommandError(kExitUsage, "there is no command \"" + *word->value + "\"" +
                                     support::suggestion(*word->value, names));
}

// A group does nothing itself: a word that is still there is not the name of an action.
void refuseWrongAction(const Command& group, const std::vector<std::string>& words) {
  std::vector<const Command*> actions = actionsOf(group);
  if (actions.empty() || words.empty()) return;
  std::vector<std::string> names;
  size_t prefix = std::string(group.name).size() + 1;
  for (const Command* action : actions) names.emplace_back(action->name + prefix);
  throw CommandError(kExitUsage, std::string("there is no \"muster ") + group.name + " " +
                                     words[0] + "\"" + support::suggestion(words[0], names));
}

// Checks what stands before "--" and fills the arguments with it and with `rest`.
void fill(CommandLine& line, const std::vector<Item>& items, std::vector<std::string> rest) {
  const Command& command = *line.command;
  std::vector<std::string> words;
  for (const Item& item : items) {
    if (item.spelling.empty()) {
      words.push_back(*item.value);
    } else {
      addOption(command, item, line);
    }
  }
  refuseWrongAction(command, words);
  if (command.rest == Rest::kSeparate) {
    line.arguments->setRest(std::move(rest));
  } else {
    words.insert(words.end(), rest.begin(), rest.end());
  }
  requireWordCount(command, words);
  line.arguments->setWords(std::move(words));
}

// Tells a line without any command from one with a wrong command.
CommandLine withoutCommand(const std::vector<Item>& items) {
  CommandLine line;
  for (const Item& item : items) {
    if (item.spelling.empty()) refuseCommand(items);
    bool version = item.spelling == "--version";
    if (version) line.wish = CommandLine::Wish::kShowVersion;
    if (!version && !isHelp(item.spelling) && findAnywhere(item.spelling) == nullptr) {
      refuseOption(nullptr, item.spelling);
    }
  }
  return line;
}

}  // namespace

std::string Arguments::word(size_t index, const std::string& otherwise) const {
  return index < words_.size() ? words_[index] : otherwise;
}

const std::vector<std::string>& Arguments::given(const Option& option) const {
  static const std::vector<std::string> kNone;
  OptionList options = command_->options();
  if (std::find(options.begin(), options.end(), &option) == options.end()) {
    throw std::logic_error(std::string(command_->name) + " does not list " + option.spelling());
  }
  auto found = given_.find(&option);
  return found == given_.end() ? kNone : found->second;
}

std::vector<Item> itemsOf(const std::vector<std::string>& words) {
  std::vector<Item> items;
  NamedCommand command;
  for (size_t at = 0; at < words.size(); ++at) {
    if (words[at].size() < 2 || words[at][0] != '-') {
      items.push_back({"", words[at]});
      command.see(words[at]);
    } else if (words[at][1] == '-') {
      addLong(words, at, command, items);
    } else {
      addLetters(words, at, command, items);
    }
  }
  return items;
}

TakenCommand takeCommand(std::vector<Item>& items) {
  auto isWord = [](const Item& item) { return item.spelling.empty(); };
  TakenCommand taken;
  auto first = std::find_if(items.begin(), items.end(), isWord);
  if (first == items.end()) return taken;
  taken.command = findCommand(*first->value);
  if (taken.command == nullptr) return taken;
  auto second = std::find_if(first + 1, items.end(), isWord);
  if (second != items.end()) {
    const OldSpelling* old = findOldSpelling(taken.command->name, *second->value);
    std::string name = old != nullptr ? old->now : *second->value;
    if (const Command* action = findCommand(std::string(taken.command->name) + " " + name)) {
      items.erase(second);
      taken = {action, old};
    }
  }
  items.erase(first);
  return taken;
}

const Option* findOption(const Command& command, const std::string& spelling) {
  const OldSpelling* old = findOldSpelling(command.name, spelling);
  std::string present = old != nullptr ? old->now : spelling;
  for (const Option* option : command.options()) {
    if (spells(*option, present)) return option;
  }
  return nullptr;
}

CommandLine parseCommandLine(const std::vector<std::string>& words) {
  auto dashes = std::find(words.begin(), words.end(), "--");
  const std::vector<Item> all = itemsOf({words.begin(), dashes});
  std::vector<std::string> rest;
  if (dashes != words.end()) rest.assign(dashes + 1, words.end());
  std::vector<Item> items = all;
  TakenCommand taken = takeCommand(items);
  bool help =
      std::any_of(all.begin(), all.end(), [](const Item& item) { return isHelp(item.spelling); });
  if (taken.command == nullptr) {
    CommandLine line = withoutCommand(all);
    if (help) line.wish = CommandLine::Wish::kShowHelp;
    return line;
  }
  if (help) return {CommandLine::Wish::kShowHelp, taken.command, std::nullopt, {}};
  CommandLine line{CommandLine::Wish::kRunCommand, taken.command, Arguments(*taken.command), {}};
  if (taken.old != nullptr) line.notes.push_back(noteOn(*taken.old));
  fill(line, items, std::move(rest));
  return line;
}

}  // namespace harness
