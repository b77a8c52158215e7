// What every command of `muster` is made of: its place in the table, its arguments, its exit
// status.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <cxxopts.hpp>

#include "schema/support/base/exit_status.h"

namespace harness {

using enum support::ExitStatus;

// Ends the command with a line on standard error and this status.
class CommandError : public std::runtime_error {
 public:
  CommandError(int status, const std::string& text) : std::runtime_error(text), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// What stands behind `muster COMMAND`.
struct Invocation {
  std::string command;
  std::vector<std::string> arguments;  // Before "--".
  std::vector<std::string> rest;       // After "--".
  bool hasRest = false;                // There was a "--".
  bool lists = false;                  // Only its options are asked for: see OptionsListed.
};

// What the arguments of a command are, for completion.
enum class WordKind {
  kNone,
  kNodes,
  kClusterFiles,
  kClusters,
  kComponents,
  kJobs,
  kCopies,  // Paths, on nodes or here.
  kShells,
};

struct Command {
  const char* name;
  const char* usage;    // Behind the name.
  const char* summary;  // One line, for the list.
  int (*run)(const Invocation& invocation);
  WordKind words = WordKind::kNone;
};

// The table, in the order of the help.
const std::vector<Command>& commands();

// Parses the arguments of one command, which has done nothing before. Prints the help and throws
// HelpShown for --help; throws CommandError with kExitUsage for what `options` does not know, and
// OptionsListed if only they are asked for. Positional arguments are in unmatched().
struct HelpShown {};
struct OptionsListed {
  std::vector<cxxopts::HelpOptionDetails> options;
};
cxxopts::ParseResult parseArguments(const Invocation& invocation, cxxopts::Options& options,
                                    const std::string& footer = "");

// The options of a command, with its usage and summary from the table and --help.
cxxopts::Options optionsOf(const Invocation& invocation);

// Throws CommandError with kExitUsage unless there are `least` to `most` positional arguments.
std::vector<std::string> positional(const cxxopts::ParseResult& result,
                                    const Invocation& invocation, size_t least, size_t most);

int runUp(const Invocation& invocation);
int runDown(const Invocation& invocation);
int runGc(const Invocation& invocation);
int runCheck(const Invocation& invocation);
int runPki(const Invocation& invocation);
int runNodes(const Invocation& invocation);
int runPs(const Invocation& invocation);
int runKill(const Invocation& invocation);
int runExec(const Invocation& invocation);
int runShell(const Invocation& invocation);
int runCopy(const Invocation& invocation);
int runCompletion(const Invocation& invocation);
int runRun(const Invocation& invocation);

// Prints what could come next on a command line, one word a line, for the scripts of `completion`.
// `line` ends at the cursor; `breaks` are the characters at which the shell breaks words.
int answerCompletion(const std::string& line, const std::string& breaks);

}  // namespace harness
