// Reads the kernel's log, whose entries are numbered. Everything here blocks for milliseconds, and
// belongs on a worker thread.
#pragma once

#include <string>

#include "nodeagent/log/line_filter.h"
#include "nodeagent/log/log_values.h"

namespace nodeagent::logs {

// Both fail with kind unsupported where the log cannot be read, and say why.
Mark markKernel(const std::string& path, const std::string& bootId);

// `to` of kind kUnspecified: the slice ends with the last entry.
Part readKernel(const std::string& path, const std::string& bootId, const Mark& from,
                const Mark& to, const LineFilter& filter, const PartLimits& limits);

}  // namespace nodeagent::logs
