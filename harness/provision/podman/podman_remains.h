// What is left of a cluster when the program that worked for it was killed, or podman itself:
// things without labels, of which podman may not know.
#pragma once

#include <string>

#include "harness/provision/podman/podman.h"

namespace harness {

// Waits for each podman that was started for the cluster: a program that is killed leaves it at
// work, and what it makes would appear behind the back of a removal. Throws ProvisionError if one
// works on after 40 s.
void awaitOrphans(const std::string& cluster);

// Removes containers with names of the cluster that a killed podman had not finished, of which some
// may run. Those that podman knows stay, whoever made them.
void removeTorn(const Podman& podman, const std::string& cluster);

}  // namespace harness
