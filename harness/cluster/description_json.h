// These functions hand a cluster's description from one process to another, as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "harness/cluster/description.h"

namespace harness {

nlohmann::json toJson(const ClusterDescription& cluster);

// Throws std::invalid_argument for JSON that toJson did not make.
ClusterDescription descriptionFromJson(const nlohmann::json& json);

}  // namespace harness
