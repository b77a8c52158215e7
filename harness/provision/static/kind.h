// The kind "static", for nodes that exist already and whose agents somebody else starts.
#pragma once

#include "harness/provision/kind.h"

namespace harness {

const ProvisionerKind& staticKind();

}  // namespace harness
