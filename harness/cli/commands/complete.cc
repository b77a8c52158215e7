// completion: the scripts for shells, and the answers that they ask for.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "harness/cli/arguments.h"
#include "harness/cli/clusters.h"
#include "harness/cli/commands/all_commands.h"
#include "harness/cli/completion.h"
#include "harness/cli/connections.h"
#include "harness/cli/fault_words.h"
#include "harness/cluster/run_id.h"
#include "harness/history/index_queries.h"
#include "harness/history/run_index.h"
#include "harness/provision/choice.h"
#include "harness/rpc/change/changes.h"
#include "harness/rpc/job/jobs.h"
#include "harness/run/run_directory.h"
#include "harness/runner/test_programs.h"
#include "harness/selection/listing.h"
#include "schema/support/base/suggestion.h"
#include "schema/support/base/text.h"

namespace harness {
namespace {

// It is short because a person waits behind a tab.
constexpr std::chrono::seconds kWaitMax{1};

// The names that this machine and its clusters have. A name that cannot be found is left out: a
// message would stand in the middle of the line that is being typed.
class MachineSource final : public CompletionSource {
 public:
  std::vector<std::string> clusters() override {
    std::vector<std::string> names;
    for (const PresentCluster& cluster : presentClusters()) names.push_back(cluster.entry.name);
    return names;
  }

  std::vector<std::string> nodeSets(const std::string& choice) override {
    std::set<std::string> sets = {"@*"};
    for (const NodeDescription& node : clusterOf(choice).nodes) {
      sets.insert(node.name);
      if (!node.role.empty()) sets.insert("@" + node.role);
      for (const auto& [name, value] : node.labels) sets.insert("@" + name + "=" + value);
    }
    return {sets.begin(), sets.end()};
  }

  std::vector<std::string> jobs(const std::string& choice) override {
    std::vector<std::string> names;
    for (const JobInfo& job : living(choice)) names.push_back(toString(job.name));
    return names;
  }

  std::vector<std::string> runs(const std::string& choice) override {
    std::vector<std::string> ids;
    for (const JobInfo& job : living(choice)) {
      std::string id = job.label(kRunLabel);
      if (!id.empty()) ids.push_back(id);
    }
    return ids;
  }

  std::vector<std::string> faults(const std::string& choice) override {
    ClusterDescription cluster = clusterOf(choice);
    Connections connections(cluster.nodes, newRunId());
    auto until = std::chrono::steady_clock::now() + kWaitMax;
    std::set<std::string> ids;
    for (auto& answer : rpc::listFaults(connections.nodes(), until)) {
      auto* infos = std::get_if<std::vector<FaultInfo>>(&answer);
      if (infos == nullptr) continue;
      for (const FaultInfo& info : *infos) ids.insert(shortId(info.id));
    }
    return {ids.begin(), ids.end()};
  }

  std::vector<std::string> changes(const std::string& choice) override {
    ClusterDescription cluster = clusterOf(choice);
    Connections connections(cluster.nodes, newRunId());
    auto until = std::chrono::steady_clock::now() + kWaitMax;
    std::set<std::string> ids;
    for (auto& answer : rpc::listChanges(connections.nodes(), until)) {
      auto* infos = std::get_if<std::vector<ChangeInfo>>(&answer);
      if (infos == nullptr) continue;
      for (const ChangeInfo& info : *infos) ids.insert(shortId(info.id));
    }
    return {ids.begin(), ids.end()};
  }

  std::vector<std::string> components() override {
    std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
    std::vector<std::string> names;
    for (const TestProgram& program : findTestPrograms(self.parent_path())) {
      names.push_back(program.component);
    }
    return names;
  }

  std::vector<std::string> storedRuns() override {
    std::vector<std::string> ids = {run::kLatestLink};
    history::withIndex(run::kRunsDirectory, [&](history::RunIndex& index) {
      for (const history::RunRow& row : history::runsOf(index.database(), 0)) {
        ids.push_back(row.id);
      }
    });
    return ids;
  }

  std::vector<std::string> storedTests() override {
    std::vector<std::string> ids;
    history::withIndex(run::kRunsDirectory,
                       [&](history::RunIndex& index) { ids = history::testsOf(index.database()); });
    return ids;
  }

  std::vector<std::string> tests(const std::string& prefix) override {
    size_t slash = prefix.find('/');
    if (slash == std::string::npos) return components();
    std::set<std::string> names;
    std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
    for (const TestProgram& program : findTestPrograms(self.parent_path())) {
      if (program.component != prefix.substr(0, slash)) continue;
      for (const auto& test : selection::listTests({{program.component, program.path}})) {
        names.insert(test.component + "/" + test.suite);
        names.insert(test.id());
      }
    }
    return {names.begin(), names.end()};
  }

  std::vector<std::string> paths(const std::string& prefix, const std::string& suffix) override {
    std::string directory = prefix.substr(0, prefix.find_last_of('/') + 1);
    std::vector<std::string> found;
    std::string where = directory.empty() ? "." : directory;
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(where.c_str()), ::closedir);
    if (!stream) return found;
    while (const dirent* entry = ::readdir(stream.get())) {
      std::string path = directory + entry->d_name;
      bool hidden = entry->d_name[0] == '.' && prefix.size() <= directory.size();
      if (hidden || !path.starts_with(prefix)) continue;
      struct stat status {};
      if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) path += "/";
      if (path.ends_with("/") || path.ends_with(suffix)) found.push_back(path);
    }
    return found;
  }

 private:
  static std::vector<JobInfo> living(const std::string& choice) {
    ClusterDescription cluster = clusterOf(choice);
    Connections connections(cluster.nodes, newRunId());
    auto until = std::chrono::steady_clock::now() + kWaitMax;
    std::vector<JobInfo> jobs;
    for (auto& answer : rpc::listJobs(connections.nodes(), {}, until)) {
      auto* listing = std::get_if<JobListing>(&answer);
      if (listing == nullptr) continue;
      jobs.insert(jobs.end(), listing->jobs.begin(), listing->jobs.end());
    }
    return jobs;
  }
};

constexpr char kNotes[] = R"notes(bash, in ~/.bashrc:
  eval "$(muster completion bash)"
zsh, in ~/.zshrc below compinit:
  eval "$(muster completion zsh)"
fish:
  muster completion fish > ~/.config/fish/completions/muster.fish
)notes";

int perform(const Arguments& arguments) {
  std::string shell = arguments.word(0);
  std::string script = completionScript(shell);
  if (script.empty()) {
    throw CommandError(kExitUsage, "there is no completion for \"" + shell + "\"" +
                                       support::suggestion(shell, completionShells()));
  }
  std::cout << script;
  return kExitOk;
}

}  // namespace

const Command kCompletion = {
    .name = "completion",
    .usage = "bash|zsh|fish",
    .summary = "print the script by which a shell completes these commands",
    .options = [] { return OptionList{}; },
    .run = perform,
    .wordsLeast = 1,
    .wordsMost = 1,
    .completes = WordKind::kShells,
    .notes = kNotes,
};

int answerCompletion(const std::string& line, const std::string& breaks) {
  MachineSource source;
  try {
    for (const std::string& word : behindBreaks(complete(line, source), line, breaks)) {
      // Labels are what somebody chose, and a shell would read a line end in one as another word.
      if (support::printable(word) == word) std::cout << word << "\n";
    }
  } catch (const std::exception&) {
    // No cluster, no candidates.
  }
  return kExitOk;
}

}  // namespace harness
