// This header has the list of all kinds of provisioner, and reads cluster files with their keys.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/cluster/setting.h"
#include "harness/provision/kind.h"

namespace harness {

// Returns the kinds that are no programs, in the order of messages; the first is that of a plan
// that names none.
const std::vector<const ProvisionerKind*>& builtInKinds();

const ProvisionerKind& defaultKind();
bool isBuiltIn(const std::string& kind);

// Returns the words of all kinds, those that are programs behind the others. None is started.
std::vector<std::string> provisionerNames();

// Throws ProvisionError, which names the known ones, if there is none of this name.
std::unique_ptr<Provisioner> makeProvisioner(const std::string& name);

// Tells whether a node of this kind can have the setting: the kind has its key, and takes its
// value.
bool canHave(const ProvisionerKind& kind, const Setting& setting);

// Reads a cluster file with the keys of all kinds: see cluster_file.h. Throws ClusterFileError.
ClusterPlan readPlan(const std::string& path);
// Reads `text` as the content of `path`, which need not exist.
ClusterPlan parsePlan(const std::string& text, const std::string& path);

}  // namespace harness
