// Which words could come next on a command line of `muster`: for shells, which ask at each tab.
//
// Commands, options and the kinds of their values come from the table of commands, so that nothing
// is written down twice. The names that depend on the machine come from a CompletionSource.
#pragma once

#include <string>
#include <vector>

namespace harness {

// The names that words can be besides commands and options. Each function may be slow or return
// nothing.
class CompletionSource {
 public:
  virtual ~CompletionSource() = default;
  virtual std::vector<std::string> clusters() = 0;

  // Names of nodes, and sets such as @server, of the cluster that `choice` means.
  virtual std::vector<std::string> nodeSets(const std::string& choice) = 0;

  // Names of the jobs that run on that cluster, and ids of their runs.
  virtual std::vector<std::string> jobs(const std::string& choice) = 0;
  virtual std::vector<std::string> runs(const std::string& choice) = 0;
  // Beginnings of the ids of the faults of that cluster.
  virtual std::vector<std::string> faults(const std::string& choice) = 0;
  // Beginnings of the ids of the changes of that cluster.
  virtual std::vector<std::string> changes(const std::string& choice) = 0;
  virtual std::vector<std::string> components() = 0;

  // The runs in ./muster-runs, and the tests of all of them.
  virtual std::vector<std::string> storedRuns() = 0;
  virtual std::vector<std::string> storedTests() = 0;
  // Names of components, or of the suites and tests of the one that `prefix` names before a slash.
  virtual std::vector<std::string> tests(const std::string& prefix) = 0;

  // Paths that begin with `prefix`: directories, which end with a slash, and files whose names end
  // with `suffix`.
  virtual std::vector<std::string> paths(const std::string& prefix, const std::string& suffix) = 0;
};

// The whole words that the last word of `line` could become; `line` ends at the cursor.
std::vector<std::string> complete(const std::string& line, CompletionSource& source);

// The parts of `words` that a shell which breaks words at `breaks` has to insert: of a word such as
// "--cluster=local" only the part behind the last break that was typed.
std::vector<std::string> behindBreaks(const std::vector<std::string>& words,
                                      const std::string& line, const std::string& breaks);

// The script that makes a shell ask; empty for a shell that we do not know.
std::string completionScript(const std::string& shell);
std::vector<std::string> completionShells();

// Prints the words that could come next, one a line, for the scripts. `line` ends at the cursor;
// `breaks` are the characters at which the shell breaks words.
int answerCompletion(const std::string& line, const std::string& breaks);

}  // namespace harness
