// Changes of a node between the schema and the values of this room.
#pragma once

#include <string>

#include "harness/rpc/change/changes.h"
#include "schema/change.capnp.h"

namespace harness {

// Enumerants of a newer agent become kUnspecified.
ChangeInfo readChangeInfo(wire::ChangeStatus::Reader from);

// `id` are 16 bytes.
void writeChangeSpec(wire::ChangeSpec::Builder to, const std::string& id,
                     const muster::ChangeSpec& spec);

// Names a change for errors, such as "set net.ipv4.ip_forward".
std::string operationOf(const muster::ChangeSpec& spec);

}  // namespace harness
