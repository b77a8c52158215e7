// A cluster's description as text, for handing it from one process to another.
#pragma once

#include <string>

#include "harness/cluster/description.h"

namespace harness {

std::string toJson(const ClusterDescription& cluster);

// Throws std::invalid_argument for what toJson did not make.
ClusterDescription descriptionFromJson(const std::string& text);

}  // namespace harness
