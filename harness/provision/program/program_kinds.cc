#include "harness/provision/program/program_kinds.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include "harness/cluster/node_expression.h"
#include "harness/os/files.h"
#include "harness/provision/program/program_provisioner.h"
#include "harness/provision/programs.h"

namespace harness {
namespace {

std::vector<std::string> directoriesIn(const char* variable) {
  const char* value = std::getenv(variable);
  std::istringstream parts(value == nullptr ? "" : value);
  std::vector<std::string> directories;
  for (std::string part; std::getline(parts, part, ':');) {
    // A relative one would be another in each working directory.
    if (part.starts_with("/")) directories.push_back(part);
  }
  return directories;
}

std::vector<std::string> searchedDirectories() {
  std::vector<std::string> all = directoriesIn("MUSTER_PROVISIONERS");
  for (const std::string& each : programDirectories()) all.push_back(each);
  for (const std::string& each : directoriesIn("PATH")) all.push_back(each);
  return all;
}

bool isKindWord(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-';
  });
}

ProgramOptions optionsOf(const std::string& kind, const std::string& program) {
  ProgramOptions options;
  options.program = program;
  options.kind = kind;
  return options;
}

std::vector<Setting> spread(const Setting& value, const std::string& set, size_t count) {
  if (count == 1) return {value};
  std::vector<Setting> all;
  try {
    for (const std::string& each : expandNodeExpression(value.text())) {
      all.push_back(value.withText(each));
    }
  } catch (const NodeExpressionError& error) {
    value.failAt(error.position(), value.name() + ": " + error.what());
  }
  if (all.size() == count) return all;
  value.fail(value.name() + ": " + std::to_string(all.size()) + " for the " +
             std::to_string(count) + " nodes of \"" + set + "\"; write a set as in host[1-" +
             std::to_string(count) + "]");
}

std::vector<Key> toKeys(const std::vector<DescribedKey>& described) {
  std::vector<Key> keys;
  for (const DescribedKey& each : described) {
    Key key{.name = each.name, .example = each.example};
    if (each.isRequired) key.presence = Key::Presence::kRequired;
    // The program is told in JSON.
    key.check = [](const Setting& value) { value.expectUtf8(); };
    if (each.spreads) key.spread = spread;
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

KindKeys keysOf(ProgramProvisioner& provisioner) {
  const ProgramDescription& described = provisioner.description();
  return {.name = described.kind,
          .clusterKeys = toKeys(described.clusterKeys),
          .nodeKeys = toKeys(described.nodeKeys),
          .check = [&provisioner](const ClusterPlan& plan) { provisioner.checkPlan(plan); }};
}

std::vector<std::string> programKindNames() {
  std::string prefix = kProgramPrefix;
  std::set<std::string> kinds;
  for (const std::string& directory : searchedDirectories()) {
    for (const std::string& name : namesIn(directory)) {
      if (!name.starts_with(prefix) || !isKindWord(name.substr(prefix.size()))) continue;
      if (::access((directory + "/" + name).c_str(), X_OK) != 0) continue;
      kinds.insert(name.substr(prefix.size()));
    }
  }
  return {kinds.begin(), kinds.end()};
}

std::string findProgramOfKind(const std::string& kind) {
  if (!isKindWord(kind)) return "";
  for (const std::string& directory : searchedDirectories()) {
    std::string path = directory + "/" + kProgramPrefix + kind;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return "";
}

std::unique_ptr<Provisioner> makeProgramProvisioner(const std::string& kind) {
  std::string program = findProgramOfKind(kind);
  if (program.empty()) return nullptr;
  return std::make_unique<ProgramProvisioner>(optionsOf(kind, program));
}

const ProvisionerKind* findProgramKind(const std::string& kind) {
  // Kinds are never removed, since plans point to them.
  static std::mutex mutex;
  static std::map<std::string, ProvisionerKind> known;
  std::string program = findProgramOfKind(kind);
  if (program.empty()) return nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  auto found = known.find(program);
  if (found == known.end()) {
    ProgramOptions options = optionsOf(kind, program);
    ProgramProvisioner provisioner(options);
    ProvisionerKind made{keysOf(provisioner), {}};
    made.check = [options](const ClusterPlan& plan) {
      ProgramProvisioner(options).checkPlan(plan);
    };
    made.make = [options] { return std::make_unique<ProgramProvisioner>(options); };
    found = known.emplace(program, std::move(made)).first;
  }
  return &found->second;
}

}  // namespace harness
