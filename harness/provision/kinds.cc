#include "harness/provision/kinds.h"

#include <algorithm>

#include "harness/cluster/cluster_file.h"
#include "harness/provision/error.h"
#include "harness/provision/local/kind.h"
#include "harness/provision/program/program_kinds.h"
#include "harness/provision/static/kind.h"

namespace harness {
namespace {

const Kinds& keysOfAll() {
  static const Kinds kKinds{
      .known = {builtInKinds().begin(), builtInKinds().end()},
      .find = [](const std::string& name) -> const KindKeys* { return findProgramKind(name); },
      .others = programKindNames};
  return kKinds;
}

}  // namespace

const std::vector<const ProvisionerKind*>& builtInKinds() {
  static const std::vector<const ProvisionerKind*> kKinds = {
      &localKind(),
      &staticKind(),
  };
  return kKinds;
}

const ProvisionerKind& defaultKind() {
  return *builtInKinds().front();
}

bool isBuiltIn(const std::string& kind) {
  return std::any_of(builtInKinds().begin(), builtInKinds().end(),
                     [&kind](const ProvisionerKind* each) { return each->name == kind; });
}

std::vector<std::string> provisionerNames() {
  std::vector<std::string> names;
  for (const ProvisionerKind* kind : builtInKinds()) names.push_back(kind->name);
  for (const std::string& name : programKindNames()) {
    if (!isBuiltIn(name)) names.push_back(name);
  }
  return names;
}

std::unique_ptr<Provisioner> makeProvisioner(const std::string& name) {
  for (const ProvisionerKind* kind : builtInKinds()) {
    if (kind->name == name) return kind->make();
  }
  if (std::unique_ptr<Provisioner> other = makeProgramProvisioner(name)) return other;
  std::string known;
  for (const std::string& each : provisionerNames()) known += (known.empty() ? "" : ", ") + each;
  throw ProvisionError("no such provisioner: \"" + name + "\"; there are: " + known);
}

bool canHave(const ProvisionerKind& kind, const Setting& setting) {
  for (const Key& key : kind.nodeKeys) {
    if (setting.name() != key.name) continue;
    try {
      if (key.check) key.check(setting);
      return true;
    } catch (const ClusterFileError&) {
      return false;
    }
  }
  return false;
}

ClusterPlan readPlan(const std::string& path) {
  return readClusterFile(path, keysOfAll());
}

ClusterPlan parsePlan(const std::string& text, const std::string& path) {
  return parseClusterFile(text, path, keysOfAll());
}

// The answer of most kinds, whose nodes exist only once they are made.
std::optional<ClusterDescription> Provisioner::foretell(const ClusterPlan&) {
  return std::nullopt;
}

ClusterWishes Provisioner::wishes(const std::string&) {
  return {};
}

std::vector<NodeEvent> Provisioner::history(const std::string&) {
  return {};
}

std::vector<std::string> Provisioner::differences(const ClusterPlan&) {
  return {};
}

MachineControl* Provisioner::machineControl() {
  return nullptr;
}

}  // namespace harness
