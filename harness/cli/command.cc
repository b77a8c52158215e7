#include "harness/cli/command.h"

#include <iostream>

#include "schema/support/base/suggestion.h"

namespace harness {

namespace {

std::vector<cxxopts::HelpOptionDetails> allOf(const cxxopts::Options& options) {
  std::vector<cxxopts::HelpOptionDetails> all;
  for (const std::string& group : options.groups()) {
    for (const auto& option : options.group_help(group).options) all.push_back(option);
  }
  return all;
}

// The option that a misspelt one most likely means.
std::string nearest(const cxxopts::Options& options, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& option : allOf(options)) {
    if (!option.l.empty()) names.push_back("--" + option.l[0]);
  }
  return support::suggestion(word.substr(0, word.find('=')), names);
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = {
      {"up", "FILE", "make the nodes of a cluster file; they stay until `muster down`", runUp,
       WordKind::kClusterFiles},
      {"down", "[NAME|FILE|--all]", "remove the nodes of a cluster, and all that was made for them",
       runDown, WordKind::kClusters},
      {"nodes", "[NODESET] [--json]", "list the nodes: name, role, address, port, state, version",
       runNodes, WordKind::kNodes},
      {"ps", "[NODESET]", "list what runs on the nodes, whoever started it", runPs,
       WordKind::kNodes},
      {"kill", "--run ID | --label NAME=VALUE | JOB...", "end jobs with all their processes",
       runKill, WordKind::kJobs},
      {"exec", "NODESET -- COMMAND [ARGUMENT...]", "run a command on nodes", runExec,
       WordKind::kNodes},
      {"cp", "SOURCE... TARGET", "copy files and trees between this machine and nodes", runCopy,
       WordKind::kCopies},
      {"shell", "NODE", "open a shell on a node", runShell, WordKind::kNodes},
      {"run", "[COMPONENT...] [-- --gtest_...]", "run test programs", runRun,
       WordKind::kComponents},
      {"pki", "ACTION [ARGUMENT]", "make, renew and revoke the certificates of a cluster", runPki},
      {"check", "FILE", "read a cluster file and look whether this machine can make it", runCheck,
       WordKind::kClusterFiles},
      {"gc", "", "remove what killed clusters have left on this machine", runGc},
      {"completion", "bash|zsh|fish", "print the script that completes these commands in a shell",
       runCompletion, WordKind::kShells},
  };
  return kCommands;
}

cxxopts::Options optionsOf(const Invocation& invocation) {
  for (const Command& command : commands()) {
    if (invocation.command != command.name) continue;
    cxxopts::Options options("muster " + invocation.command, std::string(command.summary) + "\n");
    options.custom_help(std::string(command.usage).empty()
                            ? "[OPTION...]"
                            : "[OPTION...] " + std::string(command.usage));
    options.positional_help("");
    options.allow_unrecognised_options();
    options.add_options()("h,help", "show this text");
    return options;
  }
  throw CommandError(kExitInternal, "no command " + invocation.command);
}

cxxopts::ParseResult parseArguments(const Invocation& invocation, cxxopts::Options& options,
                                    const std::string& footer) {
  if (invocation.lists) throw OptionsListed{allOf(options)};
  std::vector<const char*> argv = {"muster"};
  for (const std::string& argument : invocation.arguments) argv.push_back(argument.c_str());
  try {
    cxxopts::ParseResult result = options.parse(static_cast<int>(argv.size()), argv.data());
    if (result.count("help") != 0) {
      std::cout << options.help() << footer;
      throw HelpShown();
    }
    for (const std::string& word : result.unmatched()) {
      if (word.size() > 1 && word[0] == '-') {
        throw CommandError(kExitUsage, "there is no option \"" + word + "\"; see muster " +
                                           invocation.command + " --help" + nearest(options, word));
      }
    }
    return result;
  } catch (const cxxopts::exceptions::exception& error) {
    throw CommandError(
        kExitUsage, std::string(error.what()) + "; see muster " + invocation.command + " --help");
  }
}

std::vector<std::string> positional(const cxxopts::ParseResult& result,
                                    const Invocation& invocation, size_t least, size_t most) {
  std::vector<std::string> words = result.unmatched();
  if (words.size() >= least && words.size() <= most) return words;
  std::string usage;
  for (const Command& command : commands()) {
    if (invocation.command == command.name) usage = command.usage;
  }
  std::string problem = words.size() < least ? "an argument is missing"
                                             : "one argument too many: \"" + words[most] + "\"";
  throw CommandError(kExitUsage,
                     problem + "; usage: muster " + invocation.command + " [OPTION...] " + usage);
}

}  // namespace harness
