// The kind "local", whose nodes are namespaces of this machine.
#pragma once

#include "harness/provision/kind.h"

namespace harness {

const ProvisionerKind& localKind();

}  // namespace harness
