// These functions hand a plan from one process to another as JSON, with the places of its values in
// the cluster file. The form is that of the provisioner protocol.
#pragma once

#include <string>

#include "harness/cluster/plan.h"
#include "harness/provision/program/words.h"

namespace harness {

// Wishes are no part of it.
ProtocolJson toJson(const ClusterPlan& plan);

// Throws std::invalid_argument for JSON that is no plan.
ClusterPlan planFromJson(const ProtocolJson& json);

// Returns a value of a plan as JSON text in one line, by which two are compared.
std::string valueText(const Setting& setting);

// Throws ClusterFileError with `reason` at the place of the value that a JSON pointer names in the
// plan's JSON, such as "/settings/directory" or "/nodes/0/settings/address/1". A pointer to nothing
// means the nearest value around it.
[[noreturn]] void failInPlan(const ClusterPlan& plan, const std::string& pointer,
                             const std::string& reason);

}  // namespace harness
