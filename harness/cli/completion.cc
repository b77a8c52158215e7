#include "harness/cli/completion.h"

#include <algorithm>
#include <map>
#include <set>

namespace harness {
namespace {

// Words as a shell splits them, as far as quotes and backslashes go; the last one is at the cursor
// and may be empty.
std::vector<std::string> wordsOf(const std::string& line) {
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

const Command* findCommand(const std::string& name) {
  for (const Command& command : commands()) {
    if (name == command.name) return &command;
  }
  return nullptr;
}

// One line that is being typed.
class Line {
 public:
  Line(const std::string& text, CompletionSource& source)
      : words_(wordsOf(text)), source_(source) {}

  std::vector<std::string> candidates() {
    if (words_.size() <= 1) return {};
    if (words_.size() == 2) return commandWords();
    const Command* command = findCommand(words_[1]);
    if (command == nullptr) return {};
    if (std::find(words_.begin(), words_.end() - 1, "--") != words_.end() - 1) return {};
    std::vector<OptionInfo> options = listOptions(*command);
    const std::string& last = words_.back();
    size_t equals = last.find('=');
    if (last.starts_with("--") && equals != std::string::npos) {
      return valuesOf(last.substr(2, equals - 2), last.substr(0, equals + 1),
                      last.substr(equals + 1));
    }
    for (const OptionInfo& option : options) {
      if (option.takesValue && option.name == words_[words_.size() - 2]) {
        return valuesOf(option.longName, "", last);
      }
    }
    if (last.starts_with("-")) {
      std::vector<std::string> names;
      for (const OptionInfo& option : options) names.push_back(option.name);
      return names;
    }
    return positionals(command->words, last);
  }

  const std::string& last() const { return words_.back(); }

 private:
  static std::vector<std::string> commandWords() {
    std::vector<std::string> names = {"--help", "--version"};
    for (const Command& command : commands()) names.emplace_back(command.name);
    return names;
  }

  // The cluster that was named before the cursor.
  std::string cluster() const {
    for (size_t i = 2; i < words_.size(); ++i) {
      if (words_[i].starts_with("--cluster=")) return words_[i].substr(10);
      if (words_[i - 1] == "--cluster" && i + 1 < words_.size()) return words_[i];
    }
    return "";
  }

  std::vector<std::string> valuesOf(const std::string& option, const std::string& before,
                                    const std::string& typed) {
    std::vector<std::string> values;
    if (option == "cluster") {
      values = clustersAndFiles(typed);
    } else if (option == "run" || option == "run-id") {
      values = source_.runs(cluster());
    } else if (option == "nodes") {
      values = nodeSets(typed);
    } else if (option.ends_with("dir")) {
      values = source_.paths(typed, "/");
    }
    for (std::string& value : values) value.insert(0, before);
    return values;
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

  std::vector<std::string> positionals(WordKind kind, const std::string& typed) {
    switch (kind) {
      case WordKind::kNodes:
        return nodeSets(typed);
      case WordKind::kClusterFiles:
        return source_.paths(typed, ".yaml");
      case WordKind::kClusters:
        return clustersAndFiles(typed);
      case WordKind::kComponents:
        return source_.components();
      case WordKind::kJobs:
        return source_.jobs(cluster());
      case WordKind::kCopies:
        return copies(typed);
      case WordKind::kShells:
        return completionShells();
      case WordKind::kNone:
        break;
    }
    return {};
  }

  std::vector<std::string> copies(const std::string& typed) {
    std::vector<std::string> found = source_.paths(typed, "");
    if (typed.find('/') != std::string::npos) return found;
    for (const std::string& set : nodeSets(typed)) found.push_back(set + ":/");
    return found;
  }

  std::vector<std::string> words_;
  CompletionSource& source_;
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

std::vector<OptionInfo> listOptions(const Command& command) {
  Invocation invocation;
  invocation.command = command.name;
  invocation.lists = true;
  try {
    command.run(invocation);
  } catch (const OptionsListed& listed) {
    std::vector<OptionInfo> infos;
    for (const auto& option : listed.options) {
      std::string longName = option.l.empty() ? "" : option.l[0];
      bool takesValue = !option.is_boolean;
      if (!longName.empty()) infos.push_back({"--" + longName, longName, takesValue});
      if (!option.s.empty()) infos.push_back({"-" + option.s, longName, takesValue});
    }
    return infos;
  } catch (const std::exception&) {
    // A command whose options cannot be told here has none.
  }
  return {};
}

std::vector<std::string> complete(const std::string& text, CompletionSource& source) {
  Line line(text, source);
  std::set<std::string> fitting;  // Each once, in order.
  for (std::string& candidate : line.candidates()) {
    if (candidate.starts_with(line.last())) fitting.insert(std::move(candidate));
  }
  return {fitting.begin(), fitting.end()};
}

std::vector<std::string> behindBreaks(const std::vector<std::string>& words,
                                      const std::string& line, const std::string& breaks) {
  std::string typed = wordsOf(line).back();
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
