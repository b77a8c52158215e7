// Service states and actions between the schema and the public values.
#pragma once

#include <muster/service_status.h>

#include "schema/service.capnp.h"

namespace harness {

// Enumerants of a newer agent become kUnspecified.
muster::ServiceStatus readServiceStatus(wire::ServiceStatus::Reader status);
wire::ServiceAction writeServiceAction(muster::ServiceAction action);

}  // namespace harness
