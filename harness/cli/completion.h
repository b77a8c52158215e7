// What could come next on a command line of `muster`: for the shells, which ask it at each tab.
//
// Commands and options are those of the table and of the option parser itself, so nothing of them
// is written down twice. What depends on the machine comes from a CompletionSource.
#pragma once

#include <string>
#include <vector>

#include "harness/cli/command.h"

namespace harness {

struct OptionInfo {
  std::string name;  // "--cluster" or "-t"
  std::string longName;
  bool takesValue = false;
};

// The options of a command, from its own parser.
std::vector<OptionInfo> listOptions(const Command& command);

// What words can be besides commands and options. Each may be slow or give nothing; none throws.
class CompletionSource {
 public:
  virtual ~CompletionSource() = default;
  virtual std::vector<std::string> clusters() = 0;

  // Names of nodes, and sets such as @server, of the cluster that `choice` means.
  virtual std::vector<std::string> nodeSets(const std::string& choice) = 0;

  // What runs there: names of jobs, ids of runs.
  virtual std::vector<std::string> jobs(const std::string& choice) = 0;
  virtual std::vector<std::string> runs(const std::string& choice) = 0;
  virtual std::vector<std::string> components() = 0;

  // Paths that begin with `prefix`; directories end with a slash. Only those that end with `suffix`
  // beside the directories; empty: all.
  virtual std::vector<std::string> paths(const std::string& prefix, const std::string& suffix) = 0;
};

// The whole words that the last word of `line` could become; `line` ends at the cursor.
std::vector<std::string> complete(const std::string& line, CompletionSource& source);

// What a shell that breaks words at `breaks` has to insert: of a word such as "--cluster=local"
// only what is behind the last break in what was typed.
std::vector<std::string> behindBreaks(const std::vector<std::string>& words,
                                      const std::string& line, const std::string& breaks);

// The script that makes a shell ask; empty: there is none for it.
std::string completionScript(const std::string& shell);
std::vector<std::string> completionShells();

}  // namespace harness
