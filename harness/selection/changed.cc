#include "harness/selection/changed.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "harness/os/command.h"
#include "harness/selection/build_files.h"
#include "harness/selection/error.h"

namespace harness::selection {
namespace {

constexpr size_t kGitBytesMax = 64 << 20;

[[noreturn]] void fail(const std::string& problem) {
  throw SelectionError(SelectionError::Kind::kSelector, "--changed: " + problem);
}

class Git {
 public:
  explicit Git(std::string directory) : directory_(std::move(directory)) {}

  CommandResult run(const std::vector<std::string>& words) const {
    std::vector<std::string> argv = {"/usr/bin/env", "git", "-C", directory_};
    argv.insert(argv.end(), words.begin(), words.end());
    return runCommand(argv, {.outputBytes = kGitBytesMax});
  }

  std::string answer(const std::vector<std::string>& words) const {
    CommandResult result = run(words);
    if (!result.succeeded())
      fail("git " + words.front() + " in " + directory_ + " " + toString(result));
    return result.output;
  }

 private:
  std::string directory_;
};

// Adds paths that each end with a zero byte.
void addPaths(const std::string& list, const std::string& root, std::set<std::string>& paths) {
  for (size_t at = 0; at < list.size();) {
    size_t end = std::min(list.find('\0', at), list.size());
    paths.insert(root + "/" + list.substr(at, end - at));
    at = end + 1;
  }
}

bool haveCommon(const std::set<std::string>& some, const std::set<std::string>& others) {
  const std::set<std::string>& fewer = some.size() < others.size() ? some : others;
  const std::set<std::string>& more = &fewer == &some ? others : some;
  return std::any_of(fewer.begin(), fewer.end(),
                     [&more](const std::string& one) { return more.count(one) != 0; });
}

std::string directoryOf(const std::string& file) {
  return std::filesystem::path(file).parent_path();
}

// The tests of one program, as places among all.
using Places = std::vector<size_t>;

// Marks the tests of a program by its files. What other tests' sources are made of counts for
// those alone.
void markByFiles(const std::vector<ListedTest>& tests, const Places& places,
                 const ProgramFiles& files, const std::set<std::string>& changed,
                 std::vector<bool>& isChanged) {
  std::set<std::string> sources;
  for (size_t place : places) sources.insert(tests[place].file);
  bool isShared = haveCommon(files.others, changed);
  std::set<std::string> changedSources;
  for (const auto& [source, object] : files.objects) {
    if (!haveCommon(object, changed)) continue;
    sources.count(source) != 0 ? void(changedSources.insert(source)) : void(isShared = true);
  }
  for (size_t place : places) {
    const std::string& file = tests[place].file;
    isChanged[place] = isShared || changedSources.count(file) != 0 || changed.count(file) != 0;
  }
}

void markByDirectory(const std::vector<ListedTest>& tests, const Places& places,
                     const std::set<std::string>& changed, std::vector<bool>& isChanged) {
  std::set<std::string> directories;
  for (size_t place : places) directories.insert(directoryOf(tests[place].file) + "/");
  bool isAny = std::any_of(changed.begin(), changed.end(), [&](const std::string& file) {
    return std::any_of(directories.begin(), directories.end(),
                       [&](const std::string& directory) { return file.starts_with(directory); });
  });
  for (size_t place : places) isChanged[place] = isAny;
}

// Where the sources are: the first file of a test that is there.
std::string sourceDirectory(const std::vector<ListedTest>& tests) {
  for (const ListedTest& test : tests) {
    std::error_code ignored;
    if (std::filesystem::exists(test.file, ignored)) return directoryOf(test.file);
  }
  return std::filesystem::current_path();
}

}  // namespace

std::set<std::string> changedFiles(const std::string& directory, const std::string& revision) {
  std::string root = Git(directory).answer({"rev-parse", "--show-toplevel"});
  root.resize(root.find_last_not_of('\n') + 1);
  Git git(root);
  if (revision.starts_with("-") ||
      !git.run({"rev-parse", "--verify", "--quiet", revision + "^{commit}"}).succeeded()) {
    fail("there is no revision \"" + revision + "\" in " + root);
  }
  std::set<std::string> paths;
  addPaths(git.answer({"diff", "--name-only", "--no-renames", "-z", revision, "--"}), root, paths);
  addPaths(git.answer({"ls-files", "--others", "--exclude-standard", "-z"}), root, paths);
  return paths;
}

ChangedTests changedTests(const std::vector<ListedTest>& tests, const std::string& revision) {
  std::set<std::string> changed = changedFiles(sourceDirectory(tests), revision);
  ChangedTests found;
  found.isChanged.resize(tests.size(), false);
  found.notes.push_back(std::to_string(changed.size()) + " files differ from " + revision);
  std::map<std::pair<std::string, std::string>, Places> programs;
  for (size_t i = 0; i < tests.size(); ++i) {
    programs[{tests[i].component, tests[i].program}].push_back(i);
  }
  for (const auto& [names, places] : programs) {
    const auto& [component, program] = names;
    std::string build = buildDirectoryOf(program);
    ProgramFiles files;
    files.problem = "its program stands in no build directory of ninja";
    if (!build.empty()) files = filesOf(build, program);
    if (files.problem.empty()) {
      markByFiles(tests, places, files, changed, found.isChanged);
    } else {
      markByDirectory(tests, places, changed, found.isChanged);
      found.notes.push_back(component +
                            ": changed by the directory of its sources: " + files.problem);
    }
  }
  return found;
}

}  // namespace harness::selection
