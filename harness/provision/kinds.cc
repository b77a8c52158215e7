#include "harness/provision/kinds.h"

#include "harness/cluster/cluster_file.h"
#include "harness/provision/error.h"
#include "harness/provision/local/kind.h"
#include "harness/provision/static/kind.h"

namespace harness {
namespace {

const Kinds& keysOfAll() {
  static const Kinds kKeys(provisionerKinds().begin(), provisionerKinds().end());
  return kKeys;
}

}  // namespace

const std::vector<const ProvisionerKind*>& provisionerKinds() {
  static const std::vector<const ProvisionerKind*> kKinds = {
      &localKind(),
      &staticKind(),
  };
  return kKinds;
}

const ProvisionerKind& defaultKind() {
  return *provisionerKinds().front();
}

std::vector<std::string> provisionerNames() {
  std::vector<std::string> names;
  for (const ProvisionerKind* kind : provisionerKinds()) names.push_back(kind->name);
  return names;
}

std::unique_ptr<Provisioner> makeProvisioner(const std::string& name) {
  std::string known;
  for (const ProvisionerKind* kind : provisionerKinds()) {
    if (kind->name == name) return kind->make();
    known += (known.empty() ? "" : ", ") + kind->name;
  }
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

std::vector<std::string> Provisioner::differences(const ClusterPlan&) {
  return {};
}

MachineControl* Provisioner::machineControl() {
  return nullptr;
}

}  // namespace harness
