// Writes a run as a trace for ui.perfetto.dev (docs/reference/reports.md): TrackEvents in protobuf,
// with tracks for tests, for faults, and for what happens on each node, and with snapshots of the
// clocks of nodes.
//
// The field numbers are those of protos/perfetto/trace in https://github.com/google/perfetto, and
// never change there.
#pragma once

#include <string>

#include "harness/report/format.h"

namespace harness::report {

// Returns the bytes of a message `perfetto.protos.Trace`.
std::string perfettoTrace(const MergedRuns& merged, const FormatOptions& options);

}  // namespace harness::report
