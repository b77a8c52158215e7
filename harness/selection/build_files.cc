#include "harness/selection/build_files.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "harness/os/command.h"

namespace harness::selection {
namespace {

constexpr size_t kGraphBytesMax = 256 << 20;

// Arguments of one call; a command line of the kernel holds two megabytes.
constexpr size_t kTargetsAtOnce = 500;

class Ninja {
 public:
  explicit Ninja(std::string directory) : directory_(std::move(directory)) {}

  // Returns what a tool of ninja prints for targets. Sets `problem` if it fails.
  std::string ask(const std::string& tool, const std::vector<std::string>& targets) {
    std::string output;
    for (size_t at = 0; at < targets.size(); at += kTargetsAtOnce) {
      std::vector<std::string> argv = {"/usr/bin/env", "ninja", "-C", directory_, "-t", tool};
      size_t end = std::min(targets.size(), at + kTargetsAtOnce);
      argv.insert(argv.end(), targets.begin() + static_cast<std::ptrdiff_t>(at),
                  targets.begin() + static_cast<std::ptrdiff_t>(end));
      CommandResult result = runCommand(argv, {.outputBytes = kGraphBytesMax});
      if (!result.succeeded()) problem = "ninja -t " + tool + " " + toString(result);
      output += result.output;
    }
    return output;
  }

  std::string absolute(const std::string& path) const {
    return (std::filesystem::path(directory_) / path).lexically_normal();
  }

  std::string problem = {};

 private:
  std::string directory_;
};

// Returns the inputs of each target of an answer of `ninja -t query`, but those that only have to
// be there before ("||").
std::map<std::string, std::vector<std::string>> inputsOf(const std::string& answer) {
  std::map<std::string, std::vector<std::string>> inputs;
  std::istringstream lines(answer);
  std::string target;
  bool isInput = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(" ") && line.ends_with(":")) {
      target = line.substr(0, line.size() - 1);
      inputs[target];
    } else if (line.starts_with("  input:")) {
      isInput = true;
    } else if (line.starts_with("  outputs:") || line.starts_with("  validations:")) {
      isInput = false;
    } else if (isInput && line.starts_with("    ") && !line.starts_with("    || ")) {
      inputs[target].push_back(line.substr(line.starts_with("    | ") ? 6 : 4));
    }
  }
  return inputs;
}

struct Graph {
  // Each target that is made of something, with its inputs.
  std::map<std::string, std::vector<std::string>> made = {};
  std::set<std::string> leaves = {};
};

Graph graphOf(Ninja& ninja, const std::string& target) {
  Graph graph;
  std::set<std::string> seen = {target};
  std::vector<std::string> next = {target};
  while (!next.empty() && ninja.problem.empty()) {
    std::vector<std::string> found;
    for (auto& [name, inputs] : inputsOf(ninja.ask("query", next))) {
      for (const std::string& input : inputs) {
        // What the system has is made by nobody here.
        if (seen.insert(input).second && !input.starts_with("/usr/")) found.push_back(input);
      }
      if (inputs.empty()) {
        graph.leaves.insert(name);
      } else {
        graph.made[name] = std::move(inputs);
      }
    }
    next = std::move(found);
  }
  return graph;
}

bool isObject(const std::string& target) {
  return target.ends_with(".o");
}

// Reads the answer of `ninja -t deps` about objects.
void readDependencies(const Ninja& ninja, const std::string& answer, const Graph& graph,
                      ProgramFiles& files) {
  std::istringstream lines(answer);
  ObjectFiles* object = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("    ")) {
      if (object != nullptr) object->insert(ninja.absolute(line.substr(4)));
      continue;
    }
    object = nullptr;
    size_t colon = line.find(": ");
    auto made = graph.made.find(line.substr(0, colon));
    if (colon == std::string::npos || made == graph.made.end()) continue;
    if (line.find("#deps") == std::string::npos) {
      files.problem = made->first + " has not been built";
      continue;
    }
    object = &files.objects[ninja.absolute(made->second.front())];
    for (const std::string& input : made->second) object->insert(ninja.absolute(input));
  }
}

}  // namespace

std::string buildDirectoryOf(const std::string& program) {
  std::filesystem::path directory = std::filesystem::absolute(program).parent_path();
  for (; directory.has_relative_path(); directory = directory.parent_path()) {
    std::error_code ignored;
    if (std::filesystem::exists(directory / "build.ninja", ignored)) return directory;
  }
  return "";
}

ProgramFiles filesOf(const std::string& buildDirectory, const std::string& program) {
  ProgramFiles files;
  Ninja ninja(buildDirectory);
  std::string target = std::filesystem::absolute(program).lexically_relative(buildDirectory);
  Graph graph = graphOf(ninja, target);
  std::vector<std::string> objects;
  for (const auto& [name, inputs] : graph.made) {
    if (isObject(name)) objects.push_back(name);
  }
  readDependencies(ninja, ninja.ask("deps", objects), graph, files);
  for (const std::string& leaf : graph.leaves) {
    std::string path = ninja.absolute(leaf);
    if (files.objects.count(path) == 0) files.others.insert(path);
  }
  if (files.problem.empty()) files.problem = ninja.problem;
  if (files.problem.empty() && objects.empty()) files.problem = "it is made of no objects";
  return files;
}

}  // namespace harness::selection
