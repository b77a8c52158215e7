// The provisioners that there are, by the name that a cluster file uses.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/provision/provisioner.h"

namespace harness {

std::vector<std::string> provisionerNames();

// Throws ProvisionError, which names the known ones, if there is none of this name.
std::unique_ptr<Provisioner> makeProvisioner(const std::string& name);

}  // namespace harness
