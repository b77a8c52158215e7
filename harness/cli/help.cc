#include "harness/cli/help.h"

#include <algorithm>
#include <sstream>

namespace harness {
namespace {

constexpr size_t kIndent = 2;
constexpr size_t kLeftColumnsMax = 26;

constexpr char kOverviewHead[] = R"(usage: muster COMMAND [OPTION...] [ARGUMENT...]

Makes clusters of nodes, runs commands and tests on them, and removes them.

commands:
)";

constexpr char kOverviewNotes[] = R"(
`muster help COMMAND` describes a command with its options. Options may stand
before or behind the command. `muster --version` prints the version.

A command uses the cluster that --cluster names, by its name or its file; else
the one that $MUSTER_CLUSTER names; else the only cluster that is up.

Exit status:
   0  done
  64  the command line is wrong
  65  a cluster file or a node set is wrong
  66  a file cannot be read
  69  there is no such cluster, or a node cannot be reached
  70  internal error
  73  a node could not be made or removed
  74  the output could not be written
  77  a privilege or a kernel feature is missing
`exec`, `shell`, `cp`, `kill` and `run` have further ones: see their help.
)";

// A row of two columns: a spelling and its description. A wide spelling has a line of its own.
std::string row(const std::string& left, size_t width, const std::string& right) {
  std::string text = std::string(kIndent, ' ') + left;
  size_t begin = kIndent + width + 2;
  if (left.size() > width) {
    text += "\n" + std::string(begin, ' ');
  } else {
    text += std::string(begin - text.size(), ' ');
  }
  size_t column = begin;
  std::istringstream words(right);
  for (std::string word; words >> word;) {
    if (column > begin && column + 1 + word.size() > kHelpColumns) {
      text += "\n" + std::string(begin, ' ');
      column = begin;
    }
    if (column > begin) {
      text += " ";
      ++column;
    }
    text += word;
    column += word.size();
  }
  return text + "\n";
}

std::string table(const std::vector<std::pair<std::string, std::string>>& rows) {
  size_t width = 0;
  for (const auto& [left, right] : rows) {
    if (left.size() <= kLeftColumnsMax) width = std::max(width, left.size());
  }
  std::string text;
  for (const auto& [left, right] : rows) text += row(left, width, right);
  return text;
}

std::string leftOf(const Option& option) {
  std::string left =
      option.text().letter == 0 ? "" : std::string("-") + option.text().letter + ", ";
  left += option.spelling();
  if (!option.takesValue()) return left;
  return option.takesNextWord() ? left + " " + option.text().value
                                : left + "[=" + option.text().value + "]";
}

std::string rightOf(const Option& option) {
  std::string right = option.text().help;
  std::string initial = option.text().initial;
  return initial.empty() ? right : right + " (default: " + initial + ")";
}

std::string capitalized(std::string text) {
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

std::string overview() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command* command : commands()) {
    if (!isAction(*command)) rows.emplace_back(command->name, command->summary);
  }
  return kOverviewHead + table(rows) + kOverviewNotes;
}

std::string helpOf(const Command& command) {
  std::string text = "usage: " + usageOf(command) + "\n\n" + capitalized(command.summary) + ".\n";
  std::vector<std::pair<std::string, std::string>> actions;
  size_t prefix = std::string(command.name).size() + 1;
  for (const Command* action : actionsOf(command)) {
    std::string name = action->name + prefix;
    actions.emplace_back(*action->usage == '\0' ? name : name + " " + action->usage,
                         action->summary);
  }
  if (!actions.empty()) text += "\nactions:\n" + table(actions);
  std::vector<std::pair<std::string, std::string>> options;
  for (const Option* option : command.options()) {
    options.emplace_back(leftOf(*option), rightOf(*option));
  }
  options.emplace_back("-h, --help", "show this text");
  text += "\noptions:\n" + table(options);
  return *command.notes == '\0' ? text : text + "\n" + command.notes;
}

}  // namespace harness
