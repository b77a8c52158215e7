// Converts samples of metrics from messages.
#pragma once

#include "harness/rpc/metrics/recordings.h"
#include "schema/metrics.capnp.h"

namespace harness::rpc {

RecordingPart readPart(wire::Metrics::ReadResults::Reader from);

}  // namespace harness::rpc
