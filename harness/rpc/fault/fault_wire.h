// Faults between the schema and the values of this room.
#pragma once

#include <string>

#include "harness/fault/plan.h"
#include "harness/rpc/fault/faults.h"
#include "schema/fault.capnp.h"

namespace harness {

// Enumerants of a newer agent become kUnspecified.
FaultInfo readFaultInfo(wire::FaultStatus::Reader from);

// Return an id as bytes, and as hexadecimal digits.
std::string idBytes(const std::string& hex);
std::string idText(const std::string& bytes);

wire::Drop::Protocol writeProtocol(muster::FaultOptions::Protocol protocol);

void writeProcesses(wire::Processes::Builder to, const muster::ProcessChoice& from);

// Writes one node's part. `id` are bytes.
void writeFaultSpec(wire::FaultSpec::Builder to, const std::string& id, const fault::Plan& plan,
                    const fault::Part& part, std::chrono::nanoseconds hold);

}  // namespace harness
