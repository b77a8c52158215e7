#include "harness/provision/choice.h"

#include <algorithm>
#include <cstdlib>

#include "harness/provision/error.h"
#include "harness/provision/kinds.h"
#include "schema/support/base/suggestion.h"

namespace harness {
namespace {

using Life = ClusterEntry::Life;

std::vector<std::string> namesWith(const std::vector<PresentCluster>& clusters, Life life) {
  std::vector<std::string> names;
  for (const PresentCluster& cluster : clusters) {
    if (cluster.entry.life == life) names.push_back(cluster.entry.name);
  }
  return names;
}

// Throws the choice's error for a provisioner's reason. Another reason is passed on as it came.
[[noreturn]] void failFor(const ProvisionError& error, const std::string& text) {
  switch (error.kind()) {
    case ProvisionError::Kind::kNoSuchCluster:
      throw ChoiceError(ChoiceError::Kind::kNone, text);
    case ProvisionError::Kind::kNoPermission:
      throw ChoiceError(ChoiceError::Kind::kNoPermission, text);
    case ProvisionError::Kind::kNoAnswer:
      throw ChoiceError(ChoiceError::Kind::kNoAnswer, text);
    default:
      throw error;
  }
}

bool has(const std::vector<ClusterEntry>& entries, const std::string& name) {
  return std::any_of(entries.begin(), entries.end(),
                     [&name](const ClusterEntry& entry) { return entry.name == name; });
}

// Returns the text behind the reasons why no kind has a cluster of this name.
std::string othersText(const std::string& name) {
  std::vector<PresentCluster> present = presentClusters();
  std::vector<std::string> up = namesWith(present, Life::kRunning);
  if (!up.empty()) return support::suggestion(name, up);
  return namesWith(present, Life::kHidden).empty() ? "; none is up" : "";
}

[[noreturn]] void failForChanged(const std::string& path, const std::string& name,
                                 const std::vector<std::string>& differences) {
  throw ChoiceError(ChoiceError::Kind::kChanged,
                    "cluster \"" + name + "\" is up and is not as " + path +
                        " says: " + joined(differences, "; ") +
                        "; make it anew with \"muster down " + name + "\" and \"muster up " + path +
                        "\", or take it as it is with " + "--cluster=" + name);
}

Choice chooseByFile(const std::string& path) {
  ClusterPlan plan = readPlan(path);
  std::unique_ptr<Provisioner> provisioner = makeProvisioner(plan.provisioner);
  std::optional<ClusterDescription> foretold = provisioner->foretell(plan);
  try {
    ClusterDescription description = provisioner->find(plan.name);
    std::vector<std::string> differences = provisioner->differences(plan);
    if (!differences.empty()) failForChanged(path, plan.name, differences);
    return ExistingCluster{std::move(provisioner), std::move(description), plan.wishes};
  } catch (const ProvisionError& error) {
    if (error.kind() != ProvisionError::Kind::kNoSuchCluster) failFor(error, error.what());
    return ClusterToMake{std::move(provisioner), std::move(plan), error.what(),
                         std::move(foretold)};
  }
}

// Asks every kind. If one of them cannot tell, that is the reason, and not that another has none.
Choice chooseByName(const std::string& name) {
  std::string reasons;
  std::optional<ProvisionError> unclear;
  for (const std::string& kind : provisionerNames()) {
    std::unique_ptr<Provisioner> provisioner = makeProvisioner(kind);
    try {
      ClusterDescription description = provisioner->find(name);
      ClusterWishes wishes = provisioner->wishes(name);
      return ExistingCluster{std::move(provisioner), std::move(description), std::move(wishes)};
    } catch (const ProvisionError& error) {
      bool absent = error.kind() == ProvisionError::Kind::kNoSuchCluster;
      // Many kinds may be installed, of which nobody thinks here.
      if (absent && !isBuiltIn(kind) && !has(provisioner->list(), name)) continue;
      if (!absent && !unclear) unclear = error;
      reasons += (reasons.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  if (unclear) failFor(*unclear, unclear->what());
  throw ChoiceError(ChoiceError::Kind::kNone, reasons + othersText(name));
}

// Says why the only cluster cannot be told, from the clusters that are there and those that did not
// answer.
[[noreturn]] void failWithoutOne(const std::vector<PresentCluster>& present,
                                 const std::vector<std::string>& silent) {
  std::vector<std::string> hidden = namesWith(present, Life::kHidden);
  if (!silent.empty()) {
    throw ChoiceError(ChoiceError::Kind::kNoAnswer, "no cluster answers: " + joined(silent, "; "));
  }
  if (!hidden.empty()) {
    throw ChoiceError(ChoiceError::Kind::kNoPermission,
                      "clusters of another user may be up: " + joined(hidden, ", ") +
                          "; run it as that user, such as root");
  }
  std::string text = "no cluster is up; make one with \"muster up FILE\"";
  if (!namesWith(present, Life::kLeftover).empty()) {
    text += "; a killed one has left files, which \"muster down\" removes";
  }
  throw ChoiceError(ChoiceError::Kind::kNone, text);
}

}  // namespace

std::string clusterText(const std::string& option) {
  if (!option.empty()) return option;
  const char* environment = std::getenv(kClusterVariable);
  return environment == nullptr ? "" : environment;
}

bool looksLikeFile(const std::string& text) {
  return text.find('/') != std::string::npos || text.ends_with(".yaml") || text.ends_with(".yml");
}

Choice chooseCluster(const std::string& text) {
  return looksLikeFile(text) ? chooseByFile(text) : chooseByName(text);
}

ExistingCluster chooseOnlyCluster() {
  std::vector<PresentCluster> present = presentClusters();
  std::vector<ExistingCluster> standing;
  std::vector<std::string> names;
  std::vector<std::string> silent;
  for (const PresentCluster& cluster : present) {
    if (cluster.entry.life != Life::kRunning) continue;
    std::unique_ptr<Provisioner> provisioner = makeProvisioner(cluster.provisioner);
    try {
      if (provisioner->state(cluster.entry.name).tenure != Tenure::kStanding) continue;
      ClusterDescription description = provisioner->find(cluster.entry.name);
      ClusterWishes wishes = provisioner->wishes(cluster.entry.name);
      standing.push_back({std::move(provisioner), std::move(description), std::move(wishes)});
      names.push_back(cluster.entry.name);
    } catch (const ProvisionError& error) {
      // A cluster that has ended since it was listed does not count. Another that does not answer
      // must not keep the caller from the one that does.
      if (error.kind() != ProvisionError::Kind::kNoSuchCluster) silent.emplace_back(error.what());
    }
  }
  if (standing.empty()) failWithoutOne(present, silent);
  if (standing.size() == 1) return std::move(standing.front());
  throw ChoiceError(ChoiceError::Kind::kSeveral,
                    "several clusters are up; choose with --cluster: " + joined(names, ", "));
}

std::vector<PresentCluster> presentClusters() {
  std::vector<PresentCluster> all;
  for (const std::string& kind : provisionerNames()) {
    for (ClusterEntry& entry : makeProvisioner(kind)->list())
      all.push_back({kind, std::move(entry)});
  }
  return all;
}

}  // namespace harness
