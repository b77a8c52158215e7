#include "harness/cli/completion.h"

#include <algorithm>
#include <map>
#include <set>

#include "harness/cli/arguments.h"
#include "harness/cli/change_words.h"
#include "harness/cli/condition_words.h"
#include "harness/cli/fault_words.h"
#include "harness/cli/nemesis_words.h"
#include "harness/cli/options.h"
#include "harness/cli/report_words.h"
#include "harness/fault/nemesis_draw.h"

namespace harness {
namespace {

// Splits a line into words as a shell does, with its quotes and backslashes but nothing else of it.
// The last word is at the cursor and may be empty.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> words = {""};
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        words.back() += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '\\' && i + 1 < line.size()) {
      words.back() += line[++i];
    } else if (c == ' ' || c == '\t') {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// The words of `commands` behind `prefix`.
std::vector<std::string> namesOf(const std::vector<const Command*>& commands, size_t prefix) {
  std::vector<std::string> names;
  for (const Command* command : commands) names.emplace_back(command->name + prefix);
  return names;
}

std::vector<const Command*> topCommands() {
  std::vector<const Command*> top;
  for (const Command* command : commands()) {
    if (!isAction(*command)) top.push_back(command);
  }
  return top;
}

// One line that is being typed.
class Line {
 public:
  Line(const std::string& text, CompletionSource& source)
      : typed_(split(text)), last_(typed_.back()), source_(source) {
    auto end = std::find(typed_.begin(), typed_.end() - 1, "--");
    behindDashes_ = end != typed_.end() - 1;
    if (typed_.size() > 1) items_ = itemsOf({typed_.begin() + 1, end});
    command_ = takeCommand(items_).command;
  }

  std::vector<std::string> candidates() {
    if (typed_.size() <= 1 || behindDashes_) return {};
    // The option that stands before the cursor and has no value yet.
    if (!items_.empty() && !items_.back().value && !items_.back().spelling.empty()) {
      const Option* option = optionOf(items_.back().spelling);
      if (option != nullptr && option->takesNextWord())
        return wordsOf(option->text().completes, last_);
    }
    size_t equals = last_.find('=');
    if (last_.starts_with("--") && equals != std::string::npos) return valuesAt(equals);
    if (last_.starts_with("-")) return options();
    if (command_ == nullptr) {
      return words().empty() ? namesOf(topCommands(), 0) : std::vector<std::string>();
    }
    std::vector<const Command*> actions = actionsOf(*command_);
    if (actions.empty()) return wordsOf(command_->completes, last_);
    return namesOf(actions, std::string(command_->name).size() + 1);
  }

  const std::string& last() const { return last_; }

 private:
  // The words before the cursor, without those that name the command.
  std::vector<std::string> words() const {
    std::vector<std::string> words;
    for (const Item& item : items_) {
      if (item.spelling.empty()) words.push_back(*item.value);
    }
    return words;
  }

  // Before the command, the options of all commands can stand.
  std::vector<const Command*> possibleCommands() const {
    return command_ == nullptr ? commands() : std::vector<const Command*>{command_};
  }

  const Option* optionOf(const std::string& spelling) const {
    for (const Command* command : possibleCommands()) {
      if (const Option* option = findOption(*command, spelling)) return option;
    }
    return nullptr;
  }

  std::vector<std::string> options() const {
    std::vector<std::string> spellings = {"--help", "-h"};
    if (command_ == nullptr) spellings.emplace_back("--version");
    for (const Command* command : possibleCommands()) {
      for (const Option* option : command->options()) {
        spellings.push_back(option->spelling());
        char letter = option->text().letter;
        if (letter != 0) spellings.push_back(std::string("-") + letter);
      }
    }
    return spellings;
  }

  // The words that "--cluster=lo" can become; `equals` is the place of the sign in the last word.
  std::vector<std::string> valuesAt(size_t equals) {
    const Option* option = optionOf(last_.substr(0, equals));
    if (option == nullptr || !option->takesValue()) return {};
    std::vector<std::string> values = wordsOf(option->text().completes, last_.substr(equals + 1));
    for (std::string& value : values) value.insert(0, last_.substr(0, equals + 1));
    return values;
  }

  // The cluster that was named before the cursor.
  std::string cluster() const {
    std::string named;
    for (const Item& item : items_) {
      if (item.spelling == kCluster.spelling()) named = item.value.value_or("");
    }
    return named;
  }

  std::vector<std::string> clustersAndFiles(const std::string& typed) {
    std::vector<std::string> found = source_.clusters();
    for (std::string& path : source_.paths(typed, ".yaml")) found.push_back(std::move(path));
    return found;
  }

  // Behind the last comma of a set, the sets before it stay.
  std::vector<std::string> nodeSets(const std::string& typed) {
    std::vector<std::string> sets = source_.nodeSets(cluster());
    size_t comma = typed.find_last_of(',');
    if (comma == std::string::npos) return sets;
    for (std::string& set : sets) set.insert(0, typed.substr(0, comma + 1));
    return sets;
  }

  std::vector<std::string> wordsOf(WordKind kind, const std::string& typed) {
    switch (kind) {
      case WordKind::kCommands:
        return helpWords();
      case WordKind::kNodes:
        return nodeSets(typed);
      case WordKind::kNodesFirst:
        return words().empty() ? nodeSets(typed) : std::vector<std::string>();
      case WordKind::kWaits:
        return waitWords(typed);
      case WordKind::kClusterFiles:
        return source_.paths(typed, ".yaml");
      case WordKind::kClusters:
        return clustersAndFiles(typed);
      case WordKind::kComponents:
        return source_.components();
      case WordKind::kTests:
        return source_.tests(typed);
      case WordKind::kJobs:
        return source_.jobs(cluster());
      case WordKind::kRuns:
        return source_.runs(cluster());
      case WordKind::kStoredRuns:
        return words().empty() ? source_.storedRuns() : source_.storedTests();
      case WordKind::kStoredTests:
        return source_.storedTests();
      case WordKind::kRunDirectories:
        return runsAndDirectories(typed);
      case WordKind::kReportFormats:
        return reportFormats();
      case WordKind::kFaults:
        return source_.faults(cluster());
      case WordKind::kFaultNodes:
        return words().empty() ? faultKinds() : nodeSets(typed);
      case WordKind::kChanges:
        return source_.changes(cluster());
      case WordKind::kChangeWords:
        if (words().empty()) return nodeSets(typed);
        return words().size() == 1 ? changeKinds() : std::vector<std::string>();
      case WordKind::kCopies:
        return copies(typed);
      case WordKind::kDirectories:
        return source_.paths(typed, "/");
      case WordKind::kFiles:
        return source_.paths(typed, "");
      case WordKind::kShells:
        return completionShells();
      case WordKind::kNemesisPlans:
        return generatorsAndFiles(typed);
      case WordKind::kNemesisGenerators:
        return nemesis::generators();
      case WordKind::kNemesisKinds:
        return nemesisKinds();
      case WordKind::kNone:
        break;
    }
    return {};
  }

  std::vector<std::string> generatorsAndFiles(const std::string& typed) {
    std::vector<std::string> found = nemesis::generators();
    for (std::string& path : source_.paths(typed, ".json")) found.push_back(std::move(path));
    return found;
  }

  std::vector<std::string> runsAndDirectories(const std::string& typed) {
    std::vector<std::string> found = source_.storedRuns();
    for (std::string& path : source_.paths(typed, "/")) found.push_back(std::move(path));
    return found;
  }

  std::vector<std::string> helpWords() const {
    std::vector<std::string> before = words();
    if (before.empty()) return namesOf(topCommands(), 0);
    const Command* group = findCommand(before[0]);
    if (group == nullptr) return {};
    return namesOf(actionsOf(*group), before[0].size() + 1);
  }

  std::vector<std::string> waitWords(const std::string& typed) {
    size_t before = words().size();
    if (before == 0) return nodeSets(typed);
    return before == 1 ? conditionKinds() : std::vector<std::string>();
  }

  std::vector<std::string> copies(const std::string& typed) {
    std::vector<std::string> found = source_.paths(typed, "");
    if (typed.find('/') != std::string::npos) return found;
    for (const std::string& set : nodeSets(typed)) found.push_back(set + ":/");
    return found;
  }

  // From "muster" to the word at the cursor.
  std::vector<std::string> typed_;
  std::string last_;
  CompletionSource& source_;
  bool behindDashes_ = false;
  // The items before the cursor, without the words that name the command.
  std::vector<Item> items_;
  // Null: no command is named yet.
  const Command* command_ = nullptr;
};

constexpr char kBash[] = R"script(# Completion of muster for bash: eval "$(muster completion bash)"
_muster() {
  local line=${COMP_LINE:0:COMP_POINT}
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" __complete "$line" "$COMP_WORDBREAKS" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:/=,] ]]; then
    compopt -o nospace 2>/dev/null
  fi
}
complete -F _muster muster
)script";

constexpr char kZsh[] = R"script(#compdef muster
# Completion of muster for zsh: eval "$(muster completion zsh)"
_muster() {
  local -a found
  found=(${(f)"$(muster __complete "${BUFFER[1,$CURSOR]}" "" 2>/dev/null)"})
  compadd -a found
}
compdef _muster muster
)script";

constexpr char kFish[] = R"script(# Completion of muster for fish: muster completion fish | source
complete -c muster -f -a '(muster __complete (commandline -cp) "" 2>/dev/null)'
)script";

const std::map<std::string, std::string>& scripts() {
  static const std::map<std::string, std::string> kScripts = {
      {"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}};
  return kScripts;
}

}  // namespace

std::vector<std::string> complete(const std::string& text, CompletionSource& source) {
  Line line(text, source);
  // Each candidate once, in order.
  std::set<std::string> fitting;
  for (std::string& candidate : line.candidates()) {
    if (candidate.starts_with(line.last())) fitting.insert(std::move(candidate));
  }
  return {fitting.begin(), fitting.end()};
}

std::vector<std::string> behindBreaks(const std::vector<std::string>& words,
                                      const std::string& line, const std::string& breaks) {
  std::string typed = split(line).back();
  size_t at = typed.find_last_of(breaks);
  if (breaks.empty() || at == std::string::npos) return words;
  std::vector<std::string> tails;
  for (const std::string& word : words) tails.push_back(word.substr(at + 1));
  return tails;
}

std::string completionScript(const std::string& shell) {
  auto found = scripts().find(shell);
  return found == scripts().end() ? "" : found->second;
}

std::vector<std::string> completionShells() {
  std::vector<std::string> names;
  for (const auto& [name, script] : scripts()) names.push_back(name);
  return names;
}

}  // namespace harness
